"""The planner: what individual orders a portfolio order becomes, or why it becomes none.

It works on values alone, so that a preview and the real thing are the very same plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from orderlane.domain.account import AssetType, Distribution, Holding
from orderlane.domain.allocation import Allocation
from orderlane.domain.instruments import Instrument
from orderlane.domain.money import Currency, divide, multiply, plain, quantity_ceiling
from orderlane.domain.order import Side
from orderlane.domain.portfolio_order import CancellationReason
from orderlane.domain.splitting import Shares, shares_above_target, shares_below_target, shares_of, split

SELL_LIMIT = Decimal("0.9")
"""The largest part of a portfolio's value that one SELL may take. What is left over is room for moving prices."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One individual order to be: `amount` to trade, and what to reserve (cash for a BUY, units for a SELL)."""

    isin: str
    amount: Decimal
    reserve: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """The legs, whose amounts sum to the portfolio order's, and the ISINs whose share was too small to send."""

    side: Side
    legs: tuple[Leg, ...]
    left_out: tuple[str, ...]


class PlanRefused(Exception):
    """The portfolio order can't be carried out: the reason, and a sentence with the numbers."""

    def __init__(self, reason: CancellationReason, details: str) -> None:
        super().__init__(reason, details)
        self.reason, self.details = reason, details


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All that a plan depends on. `holdings` are those of the account, by asset."""

    side: Side
    amount: Decimal
    currency: Currency
    distribution: Distribution
    allocation: Allocation
    holdings: Mapping[str, Holding]
    instruments: Mapping[str, Instrument]

    @property
    def weights(self) -> dict[str, Decimal]:
        """Target weights by ISIN."""
        return {one.isin: one.weight for one in self.allocation.weights}

    def values(self) -> dict[str, Decimal]:
        """The value, at the last price, of what each position has available."""
        positions = [one for one in self.holdings.values() if one.asset_type is AssetType.INSTRUMENT]
        return {
            one.asset: multiply(one.available, self.instruments[one.asset].price)
            for one in positions
            if one.available > 0
        }


def plan(given: PlanInput) -> Plan:
    """Plan a BUY or a SELL of cash. Raises PlanRefused; of several reasons, the first of the checks below counts."""
    if given.side is Side.BUY:
        return _plan_buy(given)
    return _plan_sell(given)


def _plan_buy(given: PlanInput) -> Plan:
    _refuse_untradable(given, sorted(given.weights))
    _refuse_missing_funds(given)
    if given.distribution is Distribution.PRO_RATA:
        shares = shares_below_target(given.amount, given.values(), given.weights)
    else:
        shares = shares_of(given.weights)
    amounts, left_out = _split(given, shares)
    return Plan(Side.BUY, tuple(Leg(isin, amount, amount) for isin, amount in amounts.items()), left_out)


def _plan_sell(given: PlanInput) -> Plan:
    values = given.values()
    if not values:
        raise PlanRefused(
            CancellationReason.ACCOUNT_IS_EMPTY,
            "the account has no position with units available for trading",
        )
    _refuse_untradable(given, sorted(values))
    _refuse_over_limit(given, sum(values.values(), Decimal(0)))
    if given.distribution is Distribution.PRO_RATA:
        shares = shares_above_target(given.amount, values, given.weights)
    else:
        shares = shares_of(values)
    amounts, left_out = _split(given, shares)
    return Plan(Side.SELL, tuple(_sell_leg(given, isin, amount) for isin, amount in amounts.items()), left_out)


def _sell_leg(given: PlanInput, isin: str, amount: Decimal) -> Leg:
    """Reserve the units that bring the amount even when the price falls by the room that the limit leaves."""
    units = quantity_ceiling(divide(divide(amount, given.instruments[isin].price), SELL_LIMIT))
    return Leg(isin, amount, min(units, given.holdings[isin].available))


def _split(given: PlanInput, shares: Shares) -> tuple[dict[str, Decimal], tuple[str, ...]]:
    least = {isin: _least_minor(given, isin) for isin in shares}
    result = split(given.currency.to_minor(given.amount), shares, least)
    if not result.legs:
        raise PlanRefused(
            CancellationReason.AMOUNT_TOO_SMALL,
            f"{given.currency.write(given.amount)} {given.currency.code} is below the least amount of every "
            f"instrument ({given.currency.write(given.currency.from_minor(min(least.values())))} "
            f"{given.currency.code} at least)",
        )
    return {isin: given.currency.from_minor(units) for isin, units in result.legs.items()}, result.left_out


def _least_minor(given: PlanInput, isin: str) -> int:
    least = Fraction(given.instruments[isin].least_amount) * Fraction(10) ** given.currency.decimals
    return ceil(least)


def _refuse_untradable(given: PlanInput, isins: Sequence[str]) -> None:
    for isin in isins:
        instrument = given.instruments.get(isin)
        if instrument is None or not instrument.is_tradable:
            status = instrument.trading_status if instrument else "unknown"
            raise PlanRefused(CancellationReason.INSTRUMENT_NOT_TRADABLE, f"instrument {isin} is {status}")
        if instrument.currency != given.currency.code:
            raise PlanRefused(
                CancellationReason.INSTRUMENT_NOT_TRADABLE,
                f"instrument {isin} trades in {instrument.currency}, the portfolio order is in {given.currency.code}",
            )


def _refuse_missing_funds(given: PlanInput) -> None:
    cash = given.holdings.get(given.currency.code)
    available = cash.available if cash else Decimal(0)
    if given.amount > available:
        raise PlanRefused(
            CancellationReason.INSUFFICIENT_FUNDS,
            f"{given.currency.write(given.amount)} {given.currency.code} needed, "
            f"{given.currency.write(available)} {given.currency.code} available for trading",
        )


def _refuse_over_limit(given: PlanInput, value: Decimal) -> None:
    if given.amount > multiply(value, SELL_LIMIT):
        raise PlanRefused(
            CancellationReason.SELL_LIMIT_EXCEEDED,
            f"{given.currency.write(given.amount)} {given.currency.code} is more than "
            f"{plain(SELL_LIMIT * 100)} % of the portfolio's value of "
            f"{given.currency.write(given.currency.floor(value))} {given.currency.code}",
        )
