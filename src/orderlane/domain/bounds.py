"""The bounds of amounts, prices and quantities, and why `orderlane.domain.money.DIGITS` digits are enough for them.

Digits before and after the point; every line follows from the bounds and from the lines above it.

| number | before | after | because |
|---|---|---|---|
| amount that a client names | 16 | 4 | `AMOUNT_MAX`; no currency of ISO 4217 has more than 4 decimals |
| price of an instrument | 13 | 10 | `PRICE_MAX`, `PRICE_DECIMALS` |
| units of one execution | 26 | 10 | `QUANTITY_MAX`: the largest amount at the smallest price |
| cash of one execution | 19 | 4 | `EXECUTION_CASH_MAX` |
| units held of an instrument | 37 | 10 | the sum of fewer than 10**12 executions |
| cash held | 30 | 4 | the sum of fewer than 10**12 executions and deposits |
| value of a position | 49 | 20 | units held times a price |
| value of all positions and an amount | 53 | 20 | the sum of fewer than 10**4 values |
| the part of it that may be sold | 53 | 21 | times a number with one decimal |

The longest has 74 digits. An account with 1,000 executions a second reaches 10**12 of them after 31 years.

A quotient is rounded twice: to `DIGITS` digits, then to minor units or to the finest quantity. The first rounding never
changes the second: amount / price differs from the nearest step of 10**-10, unless it is one, by 10**-20 / price at
least, and the first rounding moves it by amount / price * 10**-79 at most, which is less for every amount below 10**59.
"""

from decimal import Decimal
from typing import Final

AMOUNT_MAX: Final = Decimal(10**15)
"""The largest amount of money that a client may name, and the largest minimum amount of an instrument."""

CASH_BALANCE_MAX: Final = Decimal(10**18)
"""What an account may have of its currency after a deposit; what executions bring is never refused."""

PRICE_MAX: Final = Decimal(10**12)
"""The largest price of an instrument."""

PRICE_DECIMALS: Final = 10
"""How many decimals the price of an instrument has at most."""

QUANTITY_MAX: Final = Decimal(10**25)
"""The largest quantity of an execution, and of all executions of an order, that a venue may report."""

EXECUTION_CASH_MAX: Final = Decimal(10**18)
"""The largest cash amount of an execution that a venue may report."""

EXECUTION_PRICE_MAX: Final = Decimal(10**15)
"""The largest price of an execution that a venue may report. Nothing is computed with it."""

EXECUTION_PRICE_DECIMALS: Final = 20
"""How many decimals the price of an execution has at most."""
