"""Deciding a batch: places, ids and heads are given without a gap, and whoever shares the process has a turn."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

from orderlane.domain.ids import FRAMES_MAX, LEGS_MAX, DepositId, SubjectId, lane_of, order_id, parent_of
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.domain.lane.messages import Message
from orderlane.domain.lane.placing import PlacePortfolioOrder
from orderlane.domain.lane.reporting import OrderAccepted, ReceiveVenueReports
from orderlane.ports.lanes import InboxMessage, LaneHead, Loaded
from orderlane.resources.events import frames_of
from orderlane.sources import seeded_sources
from orderlane.workers.batch import decide_batch
from tests.unit.domain.worlds import ACCOUNT, NOW, VENUE, World, allocation, instrument, market, world_of_two

MESSAGES = 20
LANE = 5
NEW_ID = seeded_sources(1, NOW).ids.new_id


def loaded(world: World, *messages: Message) -> Loaded:
    return Loaded(
        messages=[
            InboxMessage(
                id=number,
                lane=LANE,
                subject_id=SubjectId(ACCOUNT),
                actor="tests",
                request_id="",
                received_at=NOW,
                message=message,
            )
            for number, message in enumerate(messages)
        ],
        now=NOW,
        epoch=3,
        heads={LANE: LaneHead(7, 40, NOW)},
        accounts={ACCOUNT: world.state},
        instruments=world.circumstances().instruments,
        allocations=world.circumstances().allocations,
        user_statuses=world.circumstances().user_statuses,
    )


def deposits(count: int) -> list[BookDeposit]:
    return [BookDeposit(DepositId(NEW_ID()), Decimal(1), "EUR") for _ in range(count)]


async def test_others_have_their_turn_while_a_batch_is_decided() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    changes = await decide_batch(loaded(world_of_two(), *deposits(MESSAGES)), NEW_ID, turn_seconds=0.0)
    other.cancel()

    assert turns >= MESSAGES - 1
    assert changes.states[ACCOUNT].holdings["EUR"].quantity == MESSAGES


async def test_a_batch_without_events_keeps_the_position_and_the_version_that_was_read() -> None:
    changes = await decide_batch(loaded(world_of_two(), *deposits(2)), NEW_ID)

    assert changes.heads == {LANE: LaneHead(7, 40, NOW)}
    assert changes.segments == []
    assert [entry.postings[0].quantity for entry in changes.journal] == [1, 1]


async def test_the_events_of_each_message_are_a_segment_at_the_next_position() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = [world.accept("BUY", "100"), world.accept("BUY", "200")]
    changes = await decide_batch(loaded(world, *(PlacePortfolioOrder(parent.id) for parent in placed)), NEW_ID)

    assert [segment.position for segment in changes.segments] == [8, 9]
    assert [segment.parent_id for segment in changes.segments] == [parent.id for parent in placed]
    assert changes.heads == {LANE: LaneHead(9, 40, placed[0].created_at)}
    for segment in changes.segments:
        frames = [json.loads(frame) for frame in frames_of(segment.payload)]
        assert [frame["id"] for frame in frames] == list(segment.ids)
        assert [frame["type"] for frame in frames] == list(segment.types)
        assert [frame["sequence"] for frame in frames] == list(segment.sequences) == [1, 2, 3]
        assert {frame["epoch"] for frame in frames} == {3}
        assert segment.topics == ["PORTFOLIO_ORDER", "ORDER"]
        assert {lane_of(event_id, 1024) for event_id in segment.ids} == {lane_of(ACCOUNT, 1024)}
        assert segment.order_ids[0] is None
        assert {parent_of(order_id) for order_id in segment.order_ids[1:]} == {segment.parent_id}


async def test_what_is_sent_is_one_row_for_each_wave_and_venue() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.accept("BUY", "100")
    changes = await decide_batch(loaded(world, PlacePortfolioOrder(placed.id)), NEW_ID)

    [sends] = changes.sends
    assert (sends.parent_id, sends.wave, sends.venue_number) == (placed.id, 0, VENUE.number)
    assert [order.order_id for order in sends.orders] == [order_id(placed.id, 1), order_id(placed.id, 2)]


async def test_a_message_of_4095_legs_fills_a_segment_to_its_last_frame() -> None:
    isins = [f"DE{number:09d}0" for number in range(1, LEGS_MAX + 1)]
    weight = Decimal(1) / 4096
    weights = dict.fromkeys(isins, f"{weight}") | {isins[0]: f"{weight * 2}"}
    world = World(market(*(instrument(isin) for isin in isins)), allocation(weights))
    world.deposit("1000000")
    placed = world.accept("BUY", "500000")
    changes = await decide_batch(loaded(world, PlacePortfolioOrder(placed.id)), NEW_ID)
    [opened] = changes.parents
    world.state.parents[placed.id] = opened
    reports = ReceiveVenueReports(tuple(OrderAccepted(order.id) for order in opened.orders))
    filled = await decide_batch(loaded(world, reports), NEW_ID)

    assert [len(segment.ids) for segment in changes.segments] == [FRAMES_MAX]
    assert [len(segment.ids) for segment in filled.segments] == [FRAMES_MAX]
    assert filled.parents[0].sequence == 2 * FRAMES_MAX


async def test_events_are_not_older_than_their_parent_order_when_the_clock_goes_back() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.accept("BUY", "100", created_at=NOW + timedelta(seconds=9))
    changes = await decide_batch(loaded(world, PlacePortfolioOrder(placed.id)), NEW_ID)

    assert changes.segments[0].created_at == placed.created_at
    assert changes.heads[LANE].last_event_at == placed.created_at
