"""The planner: what individual orders a portfolio order becomes, or why it becomes none.

It works on values alone, so that a preview and the real thing are the very same plan.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter

from msgspec import Struct

from orderlane.domain.account import AssetType, Distribution, Holding
from orderlane.domain.allocation import Allocation
from orderlane.domain.instruments import Instrument
from orderlane.domain.money import Currency, add, divide, multiply, plain, total
from orderlane.domain.order import Side
from orderlane.domain.portfolio_order import CancellationReason
from orderlane.domain.splitting import Shares, shares_above_target, shares_below_target, shares_of, split

PLANNER_VERSION = 1
"""Grows whenever the same input may lead to another plan: the journal keeps it beside the input."""

SELL_LIMIT = Decimal("0.9")
"""The largest part of a portfolio's value that one SELL may take. What is left over is room for moving prices."""


class Leg(Struct, frozen=True):
    """One individual order to be: `amount` to trade, and what to reserve (cash for a BUY, units for a SELL)."""

    isin: str
    amount: Decimal
    reserve: Decimal


class Plan(Struct, frozen=True):
    """The legs, whose amounts sum to the portfolio order's, and the ISINs whose share was too small to send."""

    side: Side
    legs: tuple[Leg, ...]
    left_out: tuple[str, ...]


class PlanRefused(Exception):
    """The portfolio order cannot be carried out: the reason, and a sentence with the numbers."""

    def __init__(self, reason: CancellationReason, details: str) -> None:
        super().__init__(reason, details)
        self.reason, self.details = reason, details


class PlanInput(Struct, frozen=True, kw_only=True):
    """All that a plan depends on. `holdings` are those of the account, by asset."""

    side: Side
    amount: Decimal
    currency: Currency
    distribution: Distribution
    allocation: Allocation
    holdings: Mapping[str, Holding]
    instruments: Mapping[str, Instrument]

    def write(self, amount: Decimal) -> str:
        """An amount with its currency, for a person."""
        return f"{self.currency.write(amount)} {self.currency.code}"

    @property
    def weights(self) -> dict[str, Decimal]:
        """Target weights by ISIN."""
        return {entry.isin: entry.weight for entry in self.allocation.weights}

    def units(self) -> dict[str, Decimal]:
        """The units that each position has available, by ISIN."""
        positions = (held for held in self.holdings.values() if held.asset_type is AssetType.INSTRUMENT)
        return {held.asset: held.available for held in sorted(positions, key=_asset) if held.available > 0}

    def values(self) -> dict[str, Decimal]:
        """The value, at the last price, of what each position has available. Raises PlanRefused."""
        return {isin: multiply(units, self.instrument(isin).price) for isin, units in self.units().items()}

    def instrument(self, isin: str) -> Instrument:
        """What is known of an instrument. Raises PlanRefused when that is nothing."""
        try:
            return self.instruments[isin]
        except KeyError:
            raise _untradable(f"instrument {isin} is unknown") from None


class PricedInstrument(Struct, frozen=True, array_like=True):
    """What a plan knew of an instrument: price and least amount in its currency, and whether fractions are traded."""

    price: Decimal
    minimum_amount: Decimal
    fractional: bool


class PlanFacts(Struct, frozen=True, kw_only=True):
    """Everything that a plan was made from, so that every cent of it can be derived again, for ever.

    `units` are those available for trading, `cash` what was available of the currency.
    """

    version: int
    side: Side
    amount: Decimal
    currency: str
    distribution: Distribution
    weights: dict[str, Decimal]
    units: dict[str, Decimal]
    cash: Decimal
    instruments: dict[str, PricedInstrument]


def facts_of(given: PlanInput) -> PlanFacts:
    """What the journal keeps of a plan's input: of the market, only the instruments that the plan looked at."""
    weights, units = given.weights, given.units()
    cash = given.holdings.get(given.currency.code)
    concerned = [isin for isin in dict.fromkeys((*weights, *units)) if isin in given.instruments]
    return PlanFacts(
        version=PLANNER_VERSION,
        side=given.side,
        amount=given.amount,
        currency=given.currency.code,
        distribution=given.distribution,
        weights=weights,
        units=units,
        cash=cash.available if cash else Decimal(0),
        instruments={isin: _priced(given.instruments[isin]) for isin in concerned},
    )


def _priced(traded: Instrument) -> PricedInstrument:
    return PricedInstrument(traded.price, traded.minimum_amount, traded.fractional)


_asset = attrgetter("asset")


def _untradable(details: str) -> PlanRefused:
    return PlanRefused(CancellationReason.INSTRUMENT_NOT_TRADABLE, details)


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
    units = given.units()
    if not units:
        raise PlanRefused(
            CancellationReason.ACCOUNT_IS_EMPTY,
            "the account has no position with units available for trading",
        )
    _refuse_untradable(given, units)
    values = given.values()
    _refuse_over_limit(given, total(values.values()))
    if given.distribution is Distribution.PRO_RATA:
        shares = shares_above_target(given.amount, values, given.weights)
    else:
        shares = shares_of(values)
    amounts, left_out = _split(given, shares)
    _refuse_overselling(given, amounts, values, left_out)
    return Plan(Side.SELL, tuple(_sell_leg(given, isin, amount) for isin, amount in amounts.items()), left_out)


def _sell_leg(given: PlanInput, isin: str, amount: Decimal) -> Leg:
    """Reserve the units that bring the amount even when the price falls by the room that the limit leaves."""
    traded = given.instrument(isin)
    units = traded.round_up(divide(divide(amount, traded.price), SELL_LIMIT))
    return Leg(isin, amount, min(units, given.holdings[isin].available))


def _split(given: PlanInput, shares: Shares) -> tuple[dict[str, Decimal], tuple[str, ...]]:
    least = {isin: _least_minor(given, isin) for isin in shares}
    result = split(given.currency.to_minor(given.amount), shares, least)
    if not result.legs:
        raise PlanRefused(
            CancellationReason.AMOUNT_TOO_SMALL,
            f"{given.write(given.amount)} is below the least amount of every instrument "
            f"({given.write(given.currency.from_minor(min(least.values())))} at least)",
        )
    return {isin: given.currency.from_minor(units) for isin, units in result.legs.items()}, result.left_out


def _least_minor(given: PlanInput, isin: str) -> int:
    return given.currency.to_minor(given.currency.ceiling(given.instruments[isin].least_amount))


def _refuse_untradable(given: PlanInput, isins: Iterable[str]) -> None:
    for isin in isins:
        traded = given.instrument(isin)
        if not traded.is_tradable:
            raise _untradable(f"instrument {isin} is {traded.trading_status}")
        if traded.currency != given.currency.code:
            raise _untradable(
                f"instrument {isin} trades in {traded.currency}, the portfolio order is in {given.currency.code}"
            )


def _refuse_missing_funds(given: PlanInput) -> None:
    cash = given.holdings.get(given.currency.code)
    available = cash.available if cash else Decimal(0)
    if given.amount > available:
        raise PlanRefused(
            CancellationReason.INSUFFICIENT_FUNDS,
            f"{given.write(given.amount)} needed, {given.write(available)} available for trading",
        )


def _refuse_over_limit(given: PlanInput, value: Decimal) -> None:
    if given.amount > multiply(value, SELL_LIMIT):
        percent = plain(multiply(SELL_LIMIT, Decimal(100)))
        raise PlanRefused(
            CancellationReason.SELL_LIMIT_EXCEEDED,
            f"{given.write(given.amount)} is more than {percent} % of the value of the positions "
            f"available for trading, {given.write(given.currency.floor(value))}",
        )


def _refuse_overselling(
    given: PlanInput, amounts: Mapping[str, Decimal], values: Mapping[str, Decimal], left_out: Sequence[str]
) -> None:
    """What legs that are left out pass on may be more than the others have; the minor unit of a rounding may not."""
    for isin, amount in amounts.items():
        if amount >= add(values[isin], given.currency.from_minor(1)):
            raise PlanRefused(
                CancellationReason.SELL_LIMIT_EXCEEDED,
                f"{given.write(amount)} of {isin} would have to be sold, "
                f"{given.write(given.currency.floor(values[isin]))} are available for trading "
                f"(too small to send: {', '.join(sorted(left_out))})",
            )
