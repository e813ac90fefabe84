"""A gateway's session: lanes of its own at each venue, read and written with a fixed number of statements."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from msgspec.json import decode

from orderlane.domain.ids import OrderId, ParentOrderId, lane_of, leg_of, order_id, parent_of
from orderlane.domain.lane.reporting import OrderEnded, ReceiveVenueReports
from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.venue import VenueOrder
from orderlane.ports.venue_outbox import AnsweredOrder, OutboxKind, OutboxRow, ParentReports
from orderlane.postgres import gateway_session
from orderlane.postgres.gateway_session import PostgresGatewaySession
from orderlane.postgres.venues import UnknownVenue, list_venues, register_venues
from tests.database.lanes.conftest import ISINS, LANES, NOW, Scene, SteppedWorker, accepted, executed
from tests.database.lanes.markets import venue_order_from

SEND, CANCEL = OutboxKind.SEND, OutboxKind.CANCEL


async def all_lanes(session: PostgresGatewaySession) -> list[int]:
    async with asyncio.timeout(10):
        while len(lanes := await session.redistribute()) < len(LANES):
            await asyncio.sleep(0)
    return sorted(lanes)


@pytest.fixture
async def session(dsn: str) -> AsyncIterator[PostgresGatewaySession]:
    session = await PostgresGatewaySession.open(dsn, "SIMULATED")
    yield session
    await session.close()


@pytest.fixture
async def second(scene: Scene, dsn: str) -> AsyncIterator[PostgresGatewaySession]:
    """A session at a second venue, where the last instrument is executed."""
    await register_venues(scene.connection, ["SIMULATED", "SECOND"], scene.sources.ids.new_id, NOW)
    at_second = "UPDATE instruments SET venue_id = (SELECT id FROM venues WHERE name = 'SECOND') WHERE isin = $1"
    await scene.connection.execute(at_second, ISINS[-1])
    session = await PostgresGatewaySession.open(dsn, "SECOND")
    yield session
    await session.close()


async def place(scene: Scene, worker: SteppedWorker, count: int = 1) -> list[ParentOrderId]:
    """Portfolio orders, each of an account of its own, that wait for the venue."""
    await scene.build_more_accounts(count - len(scene.accounts))
    parents = []
    for account in scene.accounts[:count]:
        await scene.deposit(account, "1000.00")
        parents.append(await scene.place(account, "100.00"))
    await worker.work_off()
    return parents


async def waiting(session: PostgresGatewaySession, rows_max: int = 100) -> list[OutboxRow]:
    return list(await session.waiting(await all_lanes(session), (), rows_max))


def parents_of(rows: list[OutboxRow]) -> list[ParentOrderId]:
    return [parent_of(row.orders[0].order_id) for row in rows]


def reports_of(*orders: Any, report: Callable[[Any], Any] = accepted) -> list[ParentReports]:
    reports = [report(order) for order in orders]
    parent = parent_of(reports[0].order_id)
    return [ParentReports(parent, ReceiveVenueReports(tuple(reports)))]


async def at_the_venue(session: PostgresGatewaySession) -> list[VenueOrder]:
    return [order async for orders in session.orders_at_the_venue(LANES) for order in orders]


async def test_orders_reach_the_session_as_the_lane_decided_them(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    [parent] = await place(scene, worker)

    [row] = await waiting(session)

    assert (row.kind, row.lane) == (SEND, lane_of(parent, len(LANES)))
    assert list(row.orders) == [venue_order_from(order) for order in await scene.orders(parent)]


async def test_a_session_without_its_lanes_says_so(session: PostgresGatewaySession) -> None:
    with pytest.raises(StoreUnavailable) as lost:
        await session.confirm(LANES)

    assert lost.value.args == ("the session does not own 4 lanes that it claimed",)
    await session.confirm(await all_lanes(session))


async def test_lanes_are_read_in_the_order_that_is_asked_for_and_parents_by_age(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    placed = await place(scene, worker, 12)
    await all_lanes(session)

    for lanes in ([3, 2, 1, 0], [1, 2, 3, 0], [2]):
        rows = list(await session.waiting(lanes, (), 100))
        ordered = [parent for lane in lanes for parent in sorted(placed) if lane_of(parent, 4) == lane]
        assert parents_of(rows) == ordered
        assert parents_of(list(await session.waiting(lanes, (), 2))) == ordered[:2]
        assert parents_of(list(await session.waiting(lanes, ordered[:1], 100))) == ordered[1:]


async def test_what_is_sent_comes_before_what_is_cancelled(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    await place(scene, worker, 3)
    await scene.connection.execute(
        "INSERT INTO venue_outbox (lane, venue_number, parent_id, wave, kind, account_id, legs, orders) "
        "SELECT lane, venue_number, parent_id, wave, 'CANCEL', account_id, legs, orders FROM venue_outbox"
    )

    rows = await waiting(session)

    assert [row.kind for row in rows] == [SEND, CANCEL] * 3
    assert [row.kind for row in await waiting(session, 3)] == [SEND, CANCEL, SEND]


async def test_answered_legs_leave_their_row_and_the_row_goes_with_the_last(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    [parent] = await place(scene, worker)
    first, second, third = (order_id(parent, leg) for leg in (1, 2, 3))

    await session.record([AnsweredOrder(CANCEL, first), AnsweredOrder(SEND, second)], [])
    [row] = await waiting(session)
    assert [leg_of(order.order_id) for order in row.orders] == [1, 3]

    await session.record([AnsweredOrder(SEND, third), AnsweredOrder(SEND, first)], [])
    assert await scene.value("SELECT count(*) FROM venue_outbox") == 0


async def test_reports_become_one_message_to_the_account_of_their_parent_order(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    [parent] = await place(scene, worker)
    orders = await scene.orders(parent)

    await session.record([], reports_of(*orders))

    [message] = await scene.rows("SELECT * FROM inbox")
    assert str(message["subject_id"]) == scene.accounts[0]
    assert (message["kind"], message["actor"]) == ("RECEIVE_VENUE_REPORTS", "venue:SIMULATED")
    assert decode(message["message"])["reports"][0] == {"report": "ACCEPTED", "order_id": str(orders[0]["id"])}
    await worker.work_off()
    assert {order["status"] for order in await scene.orders(parent)} == {"PROCESSING"}


async def test_reports_of_an_order_that_nobody_knows_end_in_quarantine(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    unknown = OrderId("01900000-0000-7001-8000-000000000003")

    await session.record([], reports_of({"id": unknown}))
    await worker.work_off()

    [held] = await scene.rows("SELECT * FROM quarantine")
    assert str(held["subject_id"]) == parent_of(unknown)
    assert held["lane"] == 3


async def test_the_number_of_statements_does_not_depend_on_how_much_there_is(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    parents = await place(scene, worker, 9)
    rows = await waiting(session)
    counts = []
    for part in (rows[:1], rows[1:]):
        answered = [AnsweredOrder(SEND, order.order_id) for row in part for order in row.orders]
        reports = [reports_of(*await scene.orders(parent))[0] for parent in parents_of(part)]
        before = session.count.total
        await session.record(answered, reports)
        counts.append(session.count.total - before)

    assert counts[0] == counts[1]
    assert await scene.value("SELECT count(*) FROM inbox") == len(parents)


async def test_two_venues_have_lanes_and_orders_of_their_own(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession, second: PostgresGatewaySession
) -> None:
    [parent] = await place(scene, worker)

    [first_row], [second_row] = await waiting(session), await waiting(second)

    assert sorted(order.isin for order in first_row.orders) == sorted(ISINS[:-1])
    assert [order.isin for order in second_row.orders] == [ISINS[-1]]
    await second.record([AnsweredOrder(SEND, order.order_id) for order in second_row.orders], [])
    assert len(await waiting(session)) == 1
    assert [order.isin for order in await at_the_venue(second)] == [ISINS[-1]]
    assert await at_the_venue(session) == []
    venues = {row["isin"]: str(row["venue_id"]) for row in await scene.orders(parent)}
    assert set(venues.values()) == {venue.id for venue in await list_venues(scene.connection)}


async def test_at_the_venue_is_what_is_open_and_was_handed_over(
    scene: Scene,
    worker: SteppedWorker,
    session: PostgresGatewaySession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway_session, "PARENTS_MAX", 2)
    parents = await place(scene, worker, 8)
    assert await at_the_venue(session) == []
    rows = await waiting(session)
    await session.record([AnsweredOrder(SEND, order.order_id) for row in rows for order in row.orders[:2]], [])

    handed_over = [order for row in rows for order in row.orders[:2]]
    by_id = sorted(await at_the_venue(session), key=lambda order: order.order_id)
    assert by_id == sorted(handed_over, key=lambda order: order.order_id)

    filled = await scene.orders(parents[0])
    await session.record([], reports_of(filled[0], report=executed))
    await worker.work_off()
    assert len(await at_the_venue(session)) == len(handed_over) - 1


async def test_an_order_whose_end_waits_for_its_lane_is_not_asked_for(
    scene: Scene, worker: SteppedWorker, session: PostgresGatewaySession
) -> None:
    [parent] = await place(scene, worker)
    [row] = await waiting(session)
    await session.record([AnsweredOrder(SEND, order.order_id) for order in row.orders], [])
    first, second, _ = await scene.orders(parent)

    await session.record([], reports_of(first, report=lambda order: OrderEnded(OrderId(str(order["id"])), "cancelled")))
    await session.record([], reports_of(second, report=executed))
    assert [leg_of(order.order_id) for order in await at_the_venue(session)] == [2, 3]

    await scene.connection.execute("UPDATE inbox SET message = $1 WHERE message LIKE '%ENDED%'", b'{"cut off "ENDED"')
    assert [leg_of(order.order_id) for order in await at_the_venue(session)] == [1, 2, 3]


async def test_a_venue_that_is_not_registered_cannot_be_served(dsn: str) -> None:
    with pytest.raises(UnknownVenue, match="there is no venue NOWHERE"):
        await PostgresGatewaySession.open(dsn, "NOWHERE")
