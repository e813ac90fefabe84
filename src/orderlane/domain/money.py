"""Exact money and quantities: decimals in, decimals out, never a float.

An amount is a `Decimal` in major units (12.34 EUR); minor units (1234 cents) are integers.
A quantity of an instrument has at most `QUANTITY_DECIMALS` decimals.
"""

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal, Inexact, InvalidOperation
from functools import cache, reduce

from msgspec import Struct

QUANTITY_DECIMALS = 10
_QUANTITY_STEP = Decimal(1).scaleb(-QUANTITY_DECIMALS)
_WIDE = Context(prec=60)
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])


@cache
def _step(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


class Currency(Struct, frozen=True):
    """A currency by its ISO 4217 code and the number of its decimals (EUR: 2, JPY: 0)."""

    code: str
    decimals: int

    def to_minor(self, amount: Decimal) -> int:
        """The whole number of minor units in `amount`. Raises ValueError when there is a fraction of one."""
        scaled = amount.scaleb(self.decimals, _WIDE)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} {self.code} has more than {self.decimals} decimals")
        return int(scaled)

    def from_minor(self, units: int) -> Decimal:
        """The amount, with exactly the currency's decimals, of `units` minor units."""
        return Decimal(units).scaleb(-self.decimals, _WIDE)

    def is_exact(self, amount: Decimal) -> bool:
        """Whether `amount` is a whole number of minor units."""
        scaled = amount.scaleb(self.decimals, _WIDE)
        return scaled == scaled.to_integral_value()

    def floor(self, amount: Decimal) -> Decimal:
        """`amount` rounded down to whole minor units."""
        return amount.quantize(_step(self.decimals), ROUND_DOWN, _WIDE)

    def ceiling(self, amount: Decimal) -> Decimal:
        """`amount` rounded up to whole minor units."""
        return amount.quantize(_step(self.decimals), ROUND_UP, _WIDE)

    def write(self, amount: Decimal) -> str:
        """`amount` as the contract writes it: plain digits with the currency's decimals.

        Raises decimal.Inexact when there is a fraction of a minor unit.
        """
        return f"{amount.quantize(_step(self.decimals), context=_EXACT):f}"


def quantity_floor(quantity: Decimal) -> Decimal:
    """`quantity` rounded down to the finest quantity that can be held."""
    return quantity.quantize(_QUANTITY_STEP, ROUND_DOWN, _WIDE)


def quantity_ceiling(quantity: Decimal) -> Decimal:
    """`quantity` rounded up to the finest quantity that can be held."""
    return quantity.quantize(_QUANTITY_STEP, ROUND_UP, _WIDE)


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """A quotient with 60 significant digits, enough to round any amount or quantity once."""
    return _WIDE.divide(dividend, divisor)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """The exact product of two amounts, quantities or prices. Raises decimal.Inexact past 60 digits."""
    return _EXACT.multiply(left, right)


def add(left: Decimal, right: Decimal) -> Decimal:
    """The exact sum of two amounts or quantities. Raises decimal.Inexact past 60 digits."""
    return _EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference of two amounts or quantities. Raises decimal.Inexact past 60 digits."""
    return _EXACT.subtract(left, right)


def negate(number: Decimal) -> Decimal:
    """The exact opposite of an amount or quantity. Raises decimal.Inexact past 60 digits."""
    return _EXACT.minus(number)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum of amounts or quantities, zero for none. Raises decimal.Inexact past 60 digits."""
    return reduce(add, numbers, Decimal(0))


def plain(number: Decimal) -> str:
    """`number` in plain digits without trailing zeros or exponent ("0", "1.5", "1000")."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
