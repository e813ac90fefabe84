"""How an amount is split over instruments: exact to the minor unit, whatever the order of the input.

All amounts here are whole minor units of one currency. The rule is largest remainder (Hamilton's method): every share
is rounded down, then the units that are left go to the largest remainders, ties by ISIN.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm

from msgspec import Struct

from orderlane.domain.money import subtract, total

Shares = Mapping[str, Fraction]


class Split(Struct, frozen=True):
    """The legs to send, by ISIN, and the ISINs left out because their share was below the least amount."""

    legs: dict[str, int]
    left_out: tuple[str, ...]


def shares_of(weights: Mapping[str, Decimal]) -> dict[str, Fraction]:
    """Weights or values as exact shares."""
    return {isin: Fraction(weight) for isin, weight in weights.items()}


def largest_remainder(units: int, shares: Shares) -> dict[str, int]:
    """Split `units` over `shares`, in proportion, so that the parts add up to `units`. Shares must be positive."""
    return _largest_remainder(units, _whole_shares(shares))


def split(units: int, shares: Shares, least: Mapping[str, int]) -> Split:
    """Split `units` over `shares` into legs of at least `least` minor units each.

    A leg below its least amount is left out and its amount goes to the others by the same rule: one leg at a time, the
    one that misses its least amount by the largest part first, ties by ISIN. No legs remain when the amount is too
    small for any.
    """
    remaining = _whole_shares(_positive(shares))
    least = {isin: max(least[isin], 1) for isin in remaining}
    left_out: list[str] = []
    while remaining:
        legs = _largest_remainder(units, remaining)
        short = [isin for isin, part in legs.items() if part < least[isin]]
        if not short:
            return Split(legs, tuple(left_out))
        left_out.append(_shortest(short, legs, least))
        del remaining[left_out[-1]]
    return Split({}, tuple(left_out))


def _whole_shares(shares: Shares) -> dict[str, int]:
    """The same proportions in whole numbers, by ISIN."""
    denominator = lcm(*(share.denominator for share in shares.values()))
    return {isin: share.numerator * (denominator // share.denominator) for isin, share in sorted(shares.items())}


def _largest_remainder(units: int, shares: Mapping[str, int]) -> dict[str, int]:
    whole = sum(shares.values())
    exact = {isin: divmod(units * share, whole) for isin, share in shares.items()}
    parts = {isin: quotient for isin, (quotient, _) in exact.items()}
    left = units - sum(parts.values())
    for isin in sorted(exact, key=lambda isin: -exact[isin][1])[:left]:
        parts[isin] += 1
    return parts


def _shortest(short: Sequence[str], legs: Mapping[str, int], least: Mapping[str, int]) -> str:
    """The leg that misses its least amount by the largest part; of several the first."""
    found = short[0]
    for isin in short:
        if legs[isin] * least[found] < legs[found] * least[isin]:
            found = isin
    return found


def shares_below_target(amount: Decimal, values: Mapping[str, Decimal], weights: Mapping[str, Decimal]) -> Shares:
    """PRO_RATA for a BUY: how far each instrument is under its target value once `amount` is invested."""
    target = _targets(total((*values.values(), amount)), weights)
    return _positive({isin: goal - Fraction(values.get(isin, Decimal(0))) for isin, goal in target.items()})


def shares_above_target(amount: Decimal, values: Mapping[str, Decimal], weights: Mapping[str, Decimal]) -> Shares:
    """PRO_RATA for a SELL: how far each position is over its target value once `amount` is taken out."""
    target = _targets(subtract(total(values.values()), amount), weights)
    return _positive({isin: Fraction(value) - target.get(isin, Fraction(0)) for isin, value in values.items()})


def _targets(whole: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Fraction]:
    sum_of_weights = Fraction(total(weights.values()))
    return {isin: Fraction(whole) * Fraction(weight) / sum_of_weights for isin, weight in weights.items()}


def _positive(shares: Shares) -> Shares:
    return {isin: share for isin, share in shares.items() if share > 0}
