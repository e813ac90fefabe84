"""The simulated venue: a venue like any other, and deterministic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.messages import OrderAccepted, OrderEnded, OrderExecuted
from orderlane.domain.order import Side
from orderlane.ports.venue import SendResult, Venue
from orderlane.sources import SystemClock
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.venues.simulated.outcome import EXECUTIONS_MAX, outcome_of
from orderlane.venues.simulated.settlement import easter_sunday, settlement_date
from orderlane.venues.simulated.trades import portions, trades
from tests.unit.venues.venue_conformance import Heard, VenueConformance, venue_order

CENTS = st.integers(1, 50_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
PRICES = st.integers(1, 60_000_000_000).map(lambda ticks: Decimal(ticks).scaleb(-4))
QUANTITIES = st.integers(1, 10**16).map(lambda steps: Decimal(steps).scaleb(-10))
SPLIT = Behaviour(split_percent=100)


class TestConformance(VenueConformance):
    @asynccontextmanager
    async def open_venue(self) -> AsyncIterator[Venue]:
        yield SimulatedVenue(Behaviour(fill_ms_max=10, split_percent=80), SystemClock())


class TestConformanceWithoutLatency(VenueConformance):
    @asynccontextmanager
    async def open_venue(self) -> AsyncIterator[Venue]:
        yield SimulatedVenue(Behaviour.instant(split_percent=80), SystemClock())


@given(order_id=st.uuids(), cash=CENTS, price=PRICES)
def test_a_purchase_in_fractions_spends_the_amount_to_the_cent(order_id: UUID, cash: Decimal, price: Decimal) -> None:
    order = venue_order(order_id=order_id, cash_amount=cash, limit=cash, reference_price=price)

    outcome = outcome_of(order, SPLIT)

    assert outcome.refusal is None
    assert not outcome.is_short
    assert sum(one.trade.cash_amount for one in outcome.fills) == cash
    assert 1 <= len(outcome.fills) <= EXECUTIONS_MAX
    for one in outcome.fills:
        assert one.trade.cash_amount > 0
        assert 0 < one.trade.quantity * one.trade.price <= one.trade.cash_amount
        assert one.trade.cash_amount < (one.trade.quantity + Decimal("1e-10")) * one.trade.price


@given(order_id=st.uuids(), cash=CENTS, price=PRICES, held=QUANTITIES)
def test_a_sale_brings_the_amount_or_all_that_is_reserved(
    order_id: UUID, cash: Decimal, price: Decimal, held: Decimal
) -> None:
    order = venue_order(Side.SELL, order_id=order_id, cash_amount=cash, limit=held, reference_price=price)

    outcome = outcome_of(order, SPLIT)

    brought = sum(one.trade.cash_amount for one in outcome.fills)
    sold = outcome.total_quantity
    assert sold <= held
    assert brought <= cash
    if outcome.refusal is None and brought < cash:
        assert sold == held
    for one in outcome.fills:
        assert 0 < one.trade.cash_amount <= one.trade.quantity * one.trade.price


@given(order_id=st.uuids(), cash=CENTS, price=PRICES, side=st.sampled_from(Side))
def test_whole_units_never_move_more_than_the_amount(order_id: UUID, cash: Decimal, price: Decimal, side: Side) -> None:
    limit = cash if side is Side.BUY else Decimal(40)
    order = venue_order(side, order_id=order_id, cash_amount=cash, limit=limit, reference_price=price, fractional=False)

    outcome = outcome_of(order, SPLIT)

    assert sum(one.trade.cash_amount for one in outcome.fills) <= cash
    assert all(one.trade.quantity == one.trade.quantity.to_integral_value() > 0 for one in outcome.fills)
    if outcome.refusal is not None:
        within_reach = cash if side is Side.BUY else min(cash, limit * price)
        assert within_reach < max(price * Decimal("1.002"), Decimal("0.03"))


@given(order_id=st.uuids(), quantity=QUANTITIES, price=PRICES)
def test_a_sale_by_quantity_sells_the_quantity(order_id: UUID, quantity: Decimal, price: Decimal) -> None:
    order = venue_order(
        Side.SELL,
        order_id=order_id,
        cash_amount=Decimal(0),
        quantity=quantity,
        limit=quantity,
        reference_price=price,
    )

    outcome = outcome_of(order, SPLIT)

    if outcome.refusal is None:
        assert outcome.total_quantity == quantity
        assert not outcome.is_short
    else:
        assert quantity * price < Decimal("0.02")


def test_a_purchase_by_quantity_stops_at_the_reservation() -> None:
    order = venue_order(cash_amount=Decimal(0), quantity=Decimal(3), limit=Decimal("250.00"), fractional=False)

    outcome = outcome_of(order, Behaviour())

    assert outcome.is_short
    assert outcome.total_quantity == 2


async def test_an_order_that_stops_short_is_ended_with_its_total() -> None:
    venue, heard = SimulatedVenue(Behaviour.instant(), SystemClock()), Heard()
    order = venue_order(cash_amount=Decimal(0), quantity=Decimal(3), limit=Decimal("250.00"), fractional=False)

    await venue.send([order])
    await heard.listen(venue, [order])

    ended = heard.reports[-1].report
    assert isinstance(ended, OrderEnded)
    assert ended.total_quantity == 2
    assert all(one.report.total_quantity is None for one in heard.reports if isinstance(one.report, OrderExecuted))


@given(order_id=st.uuids(), seed=st.integers(0, 1000))
def test_the_outcome_follows_from_seed_and_order_alone(order_id: UUID, seed: int) -> None:
    order = venue_order(order_id=order_id)

    assert outcome_of(order, Behaviour(seed)) == outcome_of(replace(order), Behaviour(seed))


def test_another_seed_is_another_market() -> None:
    orders = [venue_order() for _ in range(50)]

    assert [outcome_of(one, Behaviour(1)) for one in orders] != [outcome_of(one, Behaviour(2)) for one in orders]


@pytest.mark.parametrize("percent", [0, 30, 100])
def test_as_many_orders_are_split_and_refused_as_said(percent: int) -> None:
    orders = [venue_order(order_id=UUID(int=number)) for number in range(2000)]

    split = [one for one in orders if len(outcome_of(one, Behaviour(split_percent=percent)).fills) > 1]
    refused = [one for one in orders if outcome_of(one, Behaviour(refuse_percent=percent)).refusal]

    assert abs(len(split) - 20 * percent) < 100
    assert abs(len(refused) - 20 * percent) < 100


@given(order_id=st.uuids(), price=PRICES.filter(lambda price: price > 10))
def test_buyers_pay_the_ask_and_sellers_get_the_bid_near_the_reference_price(order_id: UUID, price: Decimal) -> None:
    buy = venue_order(order_id=order_id, reference_price=price)
    sell = venue_order(Side.SELL, order_id=order_id, reference_price=price, limit=Decimal(10**9))

    ask = outcome_of(buy, Behaviour()).fills[0].trade.price
    bid = outcome_of(sell, Behaviour()).fills[0].trade.price

    assert ask > bid
    assert abs(ask - price) <= price * Decimal("0.0008")
    assert abs(bid - price) <= price * Decimal("0.0008")


def test_executions_walk_up_the_book() -> None:
    found = next(
        fills
        for number in range(100)
        if len(fills := outcome_of(venue_order(order_id=UUID(int=number)), SPLIT).fills) == 4
    )

    prices = [one.trade.price for one in found]
    assert prices == sorted(set(prices))
    assert [one.after_seconds for one in found] == sorted(one.after_seconds for one in found)


def test_an_amount_below_one_whole_unit_is_refused() -> None:
    assert outcome_of(venue_order(fractional=False, reference_price=Decimal(251)), Behaviour()).refusal


def test_a_part_that_would_be_nothing_is_not_traded_apart() -> None:
    order = venue_order(cash_amount=Decimal("0.02"), limit=Decimal("0.02"), reference_price=Decimal(100))

    assert [one.cash_amount for one in trades(order, [Decimal(100)] * 3, [1, 1, 1])] == [Decimal("0.02")]


def test_currencies_without_minor_units_trade_whole_amounts() -> None:
    order = venue_order(cash_amount=Decimal(5003), limit=Decimal(5003), currency="JPY")

    found = trades(order, [Decimal("151.5"), Decimal("151.6")], [1, 2])

    assert [str(one.cash_amount) for one in found] == ["1667", "3336"]


@given(total=st.integers(0, 10**18), weights=st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_portions_add_up(total: int, weights: list[int]) -> None:
    parts = portions(total, weights)

    assert sum(parts) == total
    assert min(parts) >= 0


async def test_a_refused_order_is_refused_again_and_its_status_is_its_end() -> None:
    venue, order = SimulatedVenue(Behaviour.instant(), SystemClock()), venue_order(reference_price=Decimal(300))
    order = replace(order, fractional=False)

    assert await venue.send([order]) == [SendResult.REFUSED]
    await venue.ask_status([order])
    reports = [one.report for one in await venue.next_reports()]

    assert [type(one) for one in reports] == [OrderEnded]


async def test_the_first_thing_said_is_that_the_order_is_accepted() -> None:
    venue, heard = SimulatedVenue(Behaviour.instant(split_percent=100), SystemClock()), Heard()
    orders = [venue_order() for _ in range(100)]

    await venue.send(orders)
    await heard.listen(venue, orders)

    first = {one.report.order_id: one.report for one in reversed(heard.reports)}
    assert all(isinstance(one, OrderAccepted) for one in first.values())


async def test_asking_while_everything_is_due_repeats_and_ends() -> None:
    venue, order = SimulatedVenue(Behaviour.instant(), SystemClock()), venue_order()
    await venue.send([order])
    await venue.ask_status([order])
    await venue.next_reports()

    waiting = asyncio.ensure_future(venue.next_reports())
    await asyncio.sleep(0)

    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize(
    ("year", "month", "day"), [(2021, 4, 4), (2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2038, 4, 25), (2000, 4, 23)]
)
def test_easter(year: int, month: int, day: int) -> None:
    assert easter_sunday(year) == date(year, month, day)


@pytest.mark.parametrize(
    ("traded", "settled"),
    [
        ("2026-11-18", "2026-11-20"),
        ("2026-11-19", "2026-11-23"),
        ("2026-11-20", "2026-11-24"),
        ("2026-11-21", "2026-11-24"),
        ("2026-12-23", "2026-12-28"),
        ("2026-12-31", "2027-01-05"),
        ("2026-04-01", "2026-04-07"),
        ("2026-04-02", "2026-04-08"),
        ("2026-04-30", "2026-05-05"),
    ],
)
def test_trades_settle_after_two_business_days(traded: str, settled: str) -> None:
    assert settlement_date(date.fromisoformat(traded)) == date.fromisoformat(settled)


@pytest.mark.parametrize(
    "changes",
    [
        {"ack_ms_min": 6},
        {"fill_ms_min": -1},
        {"split_percent": 101},
        {"refuse_percent": -1},
        {"spread_bp": 10_000},
        {"deviation_bp_max": -1},
    ],
)
def test_a_behaviour_that_makes_no_sense_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Behaviour(**changes)
