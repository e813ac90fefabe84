"""The simulated venue: a venue like any other, and deterministic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orderlane.domain.ids import OrderId, ParentOrderId, order_id
from orderlane.domain.lane.reporting import OrderAccepted, OrderEnded, OrderExecuted
from orderlane.domain.money import total
from orderlane.domain.order import Side
from orderlane.ports.venue import Answer, Venue
from orderlane.sources import SystemClock
from orderlane.venues.conformance import Heard, VenueConformance, run_checks, sample_order
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.venues.simulated.outcome import EXECUTIONS_MAX, outcome_of
from orderlane.venues.simulated.settlement import easter_sunday, settlement_date
from orderlane.venues.simulated.trades import portions, trades

CENTS = st.integers(1, 50_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
PRICES = st.integers(1, 60_000_000_000).map(lambda ticks: Decimal(ticks).scaleb(-4))
QUANTITIES = st.integers(1, 10**16).map(lambda steps: Decimal(steps).scaleb(-10))
SPLIT = Behaviour(split_percent=100)


def numbered(number: int) -> OrderId:
    return order_id(ParentOrderId(str(UUID(int=7 << 76 | 0b10 << 62 | number))), 1)


IDS = st.integers(0, 2**62 - 1).map(numbered)


class TestConformance(VenueConformance):
    @asynccontextmanager
    async def open_venue(self) -> AsyncIterator[Venue]:
        yield SimulatedVenue(Behaviour(fill_ms=(5, 10), split_percent=80), SystemClock())


class TestConformanceWithoutLatency(VenueConformance):
    @asynccontextmanager
    async def open_venue(self) -> AsyncIterator[Venue]:
        yield SimulatedVenue(Behaviour.instant(split_percent=80), SystemClock())


async def test_the_checks_run_without_a_framework() -> None:
    names = await run_checks(TestConformanceWithoutLatency())

    assert len(names) == len([name for name in dir(VenueConformance) if name.startswith("test_")])


@given(identity=IDS, cash=CENTS, price=PRICES)
def test_a_purchase_in_fractions_spends_the_amount_to_the_cent(
    identity: OrderId, cash: Decimal, price: Decimal
) -> None:
    order = sample_order(order_id=identity, cash_amount=cash, limit=cash, reference_price=price)

    outcome = outcome_of(order, SPLIT)

    assert outcome.refusal is None
    assert not outcome.is_short
    assert total(fill.trade.cash_amount for fill in outcome.fills) == cash
    assert 1 <= len(outcome.fills) <= EXECUTIONS_MAX
    for fill in outcome.fills:
        assert fill.trade.cash_amount > 0
        assert 0 < fill.trade.quantity * fill.trade.price <= fill.trade.cash_amount
        assert fill.trade.cash_amount < (fill.trade.quantity + Decimal("1e-10")) * fill.trade.price


@given(identity=IDS, cash=CENTS, price=PRICES, held=QUANTITIES)
def test_a_sale_brings_the_amount_or_all_that_is_reserved(
    identity: OrderId, cash: Decimal, price: Decimal, held: Decimal
) -> None:
    order = sample_order(Side.SELL, order_id=identity, cash_amount=cash, limit=held, reference_price=price)

    outcome = outcome_of(order, SPLIT)

    brought = total(fill.trade.cash_amount for fill in outcome.fills)
    sold = outcome.total_quantity
    assert sold <= held
    assert brought <= cash
    if outcome.refusal is None and brought < cash:
        assert sold == held
    for fill in outcome.fills:
        assert 0 < fill.trade.cash_amount <= fill.trade.quantity * fill.trade.price


@given(identity=IDS, cash=CENTS, price=PRICES, side=st.sampled_from(Side))
def test_whole_units_never_move_more_than_the_amount(
    identity: OrderId, cash: Decimal, price: Decimal, side: Side
) -> None:
    limit = cash if side is Side.BUY else Decimal(40)
    order = sample_order(
        side, order_id=identity, cash_amount=cash, limit=limit, reference_price=price, fractional=False
    )

    outcome = outcome_of(order, SPLIT)

    assert total(fill.trade.cash_amount for fill in outcome.fills) <= cash
    assert all(fill.trade.quantity == fill.trade.quantity.to_integral_value() > 0 for fill in outcome.fills)
    if outcome.refusal is not None:
        within_reach = cash if side is Side.BUY else min(cash, limit * price)
        assert within_reach < max(price * Decimal("1.002"), Decimal("0.03"))


@given(identity=IDS, quantity=QUANTITIES, price=PRICES)
def test_a_sale_by_quantity_sells_the_quantity(identity: OrderId, quantity: Decimal, price: Decimal) -> None:
    order = sample_order(
        Side.SELL,
        order_id=identity,
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
    order = sample_order(cash_amount=Decimal(0), quantity=Decimal(3), limit=Decimal("250.00"), fractional=False)

    outcome = outcome_of(order, Behaviour())

    assert outcome.is_short
    assert outcome.total_quantity == 2


async def test_an_order_that_stops_short_is_ended_with_its_total() -> None:
    venue, heard = SimulatedVenue(Behaviour.instant(), SystemClock()), Heard()
    order = sample_order(cash_amount=Decimal(0), quantity=Decimal(3), limit=Decimal("250.00"), fractional=False)

    await venue.send([order])
    await heard.listen(venue, [order])

    ended = heard.reports[-1]
    assert isinstance(ended, OrderEnded)
    assert ended.total_quantity == 2
    executed = [report for report in heard.reports if isinstance(report, OrderExecuted)]
    assert {report.total_quantity for report in executed} == {None}


@given(identity=IDS, seed=st.integers(0, 1000))
def test_the_outcome_follows_from_seed_and_order_alone(identity: OrderId, seed: int) -> None:
    order = sample_order(order_id=identity)

    assert outcome_of(order, Behaviour(seed=seed)) == outcome_of(structs.replace(order), Behaviour(seed=seed))


def test_another_seed_is_another_market() -> None:
    orders = [sample_order() for _ in range(50)]

    one, other = Behaviour(seed=1), Behaviour(seed=2)
    assert [outcome_of(order, one) for order in orders] != [outcome_of(order, other) for order in orders]


@pytest.mark.parametrize("percent", [0, 30, 100])
def test_as_many_orders_are_split_and_refused_as_said(percent: int) -> None:
    orders = [sample_order(order_id=numbered(number)) for number in range(2000)]

    split = [order for order in orders if len(outcome_of(order, Behaviour(split_percent=percent)).fills) > 1]
    refused = [order for order in orders if outcome_of(order, Behaviour(refuse_percent=percent)).refusal]

    assert abs(len(split) - 20 * percent) < 100
    assert abs(len(refused) - 20 * percent) < 100


@given(identity=IDS, price=PRICES.filter(lambda price: price > 10))
def test_buyers_pay_the_ask_and_sellers_get_the_bid_near_the_reference_price(identity: OrderId, price: Decimal) -> None:
    buy = sample_order(order_id=identity, reference_price=price)
    sell = sample_order(Side.SELL, order_id=identity, reference_price=price, limit=Decimal(10**9))

    ask = outcome_of(buy, Behaviour()).fills[0].trade.price
    bid = outcome_of(sell, Behaviour()).fills[0].trade.price

    assert ask > bid
    assert abs(ask - price) <= price * Decimal("0.0008")
    assert abs(bid - price) <= price * Decimal("0.0008")


def test_executions_walk_up_the_book() -> None:
    four = next(
        fills
        for number in range(100)
        if len(fills := outcome_of(sample_order(order_id=numbered(number)), SPLIT).fills) == 4
    )

    prices = [fill.trade.price for fill in four]
    assert prices == sorted(set(prices))
    assert [fill.after_seconds for fill in four] == sorted(fill.after_seconds for fill in four)


def test_an_amount_below_one_whole_unit_is_refused() -> None:
    assert outcome_of(sample_order(fractional=False, reference_price=Decimal(251)), Behaviour()).refusal


def test_a_part_that_would_be_nothing_is_not_traded_apart() -> None:
    order = sample_order(cash_amount=Decimal("0.02"), limit=Decimal("0.02"), reference_price=Decimal(100))

    assert [trade.cash_amount for trade in trades(order, [Decimal(100)] * 3, [1, 1, 1])] == [Decimal("0.02")]


def test_currencies_without_minor_units_trade_whole_amounts() -> None:
    order = sample_order(cash_amount=Decimal(5003), limit=Decimal(5003), currency="JPY")

    parts = trades(order, [Decimal("151.5"), Decimal("151.6")], [1, 2])

    assert [str(trade.cash_amount) for trade in parts] == ["1667", "3336"]


def test_figures_beyond_the_digits_of_the_default_context_are_exact() -> None:
    quantity = Decimal("12345678901234567890123.0123456789")
    order = sample_order(
        Side.SELL, cash_amount=Decimal(0), quantity=quantity, limit=quantity, reference_price=Decimal("1.2345")
    )

    outcome = outcome_of(order, SPLIT)

    assert outcome.total_quantity == quantity
    assert not outcome.is_short


@given(total=st.integers(0, 10**18), weights=st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_portions_add_up(total: int, weights: list[int]) -> None:
    parts = portions(total, weights)

    assert sum(parts) == total
    assert min(parts) >= 0


async def test_a_refused_order_is_refused_again_and_its_status_is_its_end() -> None:
    order = sample_order(reference_price=Decimal(300), fractional=False)
    venue = SimulatedVenue(Behaviour.instant(), SystemClock())

    first, again = await venue.send([order]), await venue.send([order])
    await venue.ask_status([order])
    [report] = await venue.next_reports()

    assert first == again
    assert first[0].answer is Answer.REFUSED
    assert report == OrderEnded(order.order_id, first[0].reason)


async def test_the_first_thing_said_is_that_the_order_is_accepted() -> None:
    venue, heard = SimulatedVenue(Behaviour.instant(split_percent=100), SystemClock()), Heard()
    orders = [sample_order() for _ in range(100)]

    await venue.send(orders)
    await heard.listen(venue, orders)

    first = {report.order_id: report for report in reversed(heard.reports)}
    assert all(isinstance(report, OrderAccepted) for report in first.values())


async def test_asking_while_everything_is_due_repeats_and_ends() -> None:
    venue, order = SimulatedVenue(Behaviour.instant(), SystemClock()), sample_order()
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
        {"ack_ms": (6, 5)},
        {"fill_ms": (-1, 5)},
        {"split_percent": 101},
        {"refuse_percent": -1},
        {"spread_bp": 5_000},
        {"deviation_bp_max": -1},
    ],
)
def test_a_behaviour_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Behaviour(**changes)
