"""Exact money and quantities: decimals in, decimals out, never a float.

An amount is a `Decimal` in major units (12.34 EUR); minor units (1234 cents) are integers.
A quantity of an instrument has at most `QUANTITY_DECIMALS` decimals.

All arithmetic is that of this module, with `DIGITS` significant digits: a sum, difference or product is exact or raises
decimal.Inexact, and a rounding is asked for by name. Why the digits suffice is derived in `orderlane.domain.bounds`.
Operators on decimals take their precision from the process; `tools/exact_arithmetic.py` has mypy refuse them, and
`require_exactness` has one that was missed be exact or raise.
"""

from collections.abc import Iterable
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DefaultContext,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    setcontext,
)
from functools import cache, reduce

from msgspec import Struct

DIGITS = 80
"""How many significant digits a number may have."""

QUANTITY_DECIMALS = 10
QUANTITY_STEP = Decimal(f"1E-{QUANTITY_DECIMALS}")
"""The finest quantity that can be held."""

_ERRORS = [InvalidOperation, DivisionByZero, Overflow, FloatOperation]
_ROUNDING = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=_ERRORS)
_EXACT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=[Inexact, *_ERRORS])


def require_exactness() -> None:
    """Have every operator on decimals be exact or raise, in this thread and in all that begin afterwards.

    Every process calls it first. What rounds, mixes in floats, divides by zero or overflows raises the decimal signal.
    """
    DefaultContext.prec, DefaultContext.rounding = _EXACT.prec, _EXACT.rounding
    DefaultContext.traps.update(_EXACT.traps)
    setcontext(_EXACT.copy())


@cache
def _step(decimals: int) -> Decimal:
    return Decimal(f"1E-{decimals}")


class Currency(Struct, frozen=True):
    """A currency by its ISO 4217 code and the number of its decimals (EUR: 2, JPY: 0)."""

    code: str
    decimals: int

    def to_minor(self, amount: Decimal) -> int:
        """The whole number of minor units in `amount`. Raises ValueError when there is a fraction of one."""
        scaled = amount.scaleb(self.decimals, _EXACT)
        units = int(scaled)
        if scaled != units:
            raise ValueError(f"{amount} {self.code} has more than {self.decimals} decimals")
        return units

    def from_minor(self, units: int) -> Decimal:
        """The amount, with exactly the currency's decimals, of `units` minor units."""
        return from_steps(units, self.decimals)

    def is_exact(self, amount: Decimal) -> bool:
        """Whether `amount` is a whole number of minor units."""
        return has_decimals(amount, self.decimals)

    def floor(self, amount: Decimal) -> Decimal:
        """`amount` rounded down to whole minor units."""
        return amount.quantize(_step(self.decimals), ROUND_DOWN, _ROUNDING)

    def ceiling(self, amount: Decimal) -> Decimal:
        """`amount` rounded up to whole minor units."""
        return amount.quantize(_step(self.decimals), ROUND_UP, _ROUNDING)

    def write(self, amount: Decimal) -> str:
        """`amount` as the contract writes it: plain digits with the currency's decimals.

        Raises decimal.Inexact when there is a fraction of a minor unit.
        """
        return f"{amount.quantize(_step(self.decimals), context=_EXACT):f}"


add = _EXACT.add
"""The exact sum of two amounts or quantities. Raises decimal.Inexact past `DIGITS`."""

subtract = _EXACT.subtract
"""The exact difference of two amounts or quantities. Raises decimal.Inexact past `DIGITS`."""

multiply = _EXACT.multiply
"""The exact product of two amounts, quantities or prices. Raises decimal.Inexact past `DIGITS`."""

negate = _EXACT.minus
"""The exact opposite of an amount or quantity. Raises decimal.Inexact past `DIGITS`."""

magnitude = _EXACT.abs
"""An amount or quantity without its sign. Raises decimal.Inexact past `DIGITS`."""

divide = _ROUNDING.divide
"""A quotient with `DIGITS` significant digits, enough to round any amount or quantity once."""


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum of amounts or quantities, zero for none. Raises decimal.Inexact past `DIGITS`."""
    return reduce(add, numbers, Decimal(0))


def whole_quotient(dividend: Decimal, divisor: Decimal) -> int:
    """How many times `divisor` goes into `dividend`: the exact quotient without its fraction.

    Raises:
        decimal.InvalidOperation: it has more than `DIGITS` digits, or the divisor is zero.
    """
    return int(_EXACT.divide_int(dividend, divisor))


def has_decimals(number: Decimal, decimals: int) -> bool:
    """Whether `number` has at most so many decimals.

    Raises:
        decimal.InvalidOperation: it takes more than `DIGITS` digits with them.
    """
    return number == number.quantize(_step(decimals), ROUND_DOWN, _ROUNDING)


def from_steps(steps: int, decimals: int) -> Decimal:
    """So many steps of the last of `decimals` decimals: 1234 steps with 2 decimals are 12.34."""
    return Decimal(steps).scaleb(-decimals, _EXACT)


def quantity_floor(quantity: Decimal) -> Decimal:
    """`quantity` rounded down to the finest quantity that can be held."""
    return quantity.quantize(QUANTITY_STEP, ROUND_DOWN, _ROUNDING)


def quantity_ceiling(quantity: Decimal) -> Decimal:
    """`quantity` rounded up to the finest quantity that can be held."""
    return quantity.quantize(QUANTITY_STEP, ROUND_UP, _ROUNDING)


def plain(number: Decimal) -> str:
    """`number` in plain digits without trailing zeros or exponent ("0", "1.5", "1000")."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
