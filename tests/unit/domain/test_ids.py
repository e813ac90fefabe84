"""The laws of ids, which can never change: the slot, the version, the order by time, what follows from what."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise, product
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils import uuid7

from orderlane.domain.ids import (
    FRAMES_MAX,
    LEGS_MAX,
    SLOTS,
    AccountGroupId,
    AccountId,
    EventId,
    OrderId,
    ParentOrderId,
    VenueId,
    account_id,
    deposit_id,
    event_id,
    event_ids,
    execution_id,
    in_slot,
    lane_of,
    leg_of,
    order_id,
    parent_of,
    parent_order_id,
    parse_id,
    slot_of,
)
from orderlane.sources import SystemIds
from tests.unit.domain.worlds import NOW

CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MILLION = 10**6

slots = st.integers(0, SLOTS - 1)
lane_counts = st.sampled_from([2**power for power in range(11)])
legs = st.integers(1, LEGS_MAX)
frames = st.integers(0, FRAMES_MAX - 1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
names = st.text(max_size=40)


@st.composite
def fresh_ids(draw: st.DrawFn) -> str:
    """Any UUID of version 7."""
    time, rand_a, rand_b = (draw(st.integers(0, 2**bits - 1)) for bits in (48, 12, 62))
    return str(UUID(int=time << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b))


groups = st.builds(lambda fresh, slot: AccountGroupId(in_slot(fresh, slot)), fresh_ids(), slots)
accounts = st.builds(account_id, fresh_ids(), groups)
parents = st.builds(parent_order_id, fresh_ids(), moments, accounts)
orders = st.builds(order_id, parents, legs)
venues = fresh_ids().map(VenueId)


def milliseconds_of(any_id: str) -> int:
    return UUID(any_id).int >> 80


def whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def assert_is_uuid(any_id: str, version: int) -> None:
    """Told by the standard library, not by the module that made it."""
    assert CANONICAL.fullmatch(any_id)
    parsed = UUID(any_id)
    assert (str(parsed), parsed.version, parsed.variant) == (any_id, version, RFC_4122)


# Slots and lanes


@given(fresh_ids(), slots)
def test_a_slot_is_the_low_ten_bits_and_nothing_else_changes(fresh: str, slot: int) -> None:
    placed = in_slot(fresh, slot)

    assert_is_uuid(placed, 7)
    assert slot_of(placed) == slot == UUID(placed).int % 1024
    assert UUID(placed).int >> 10 == UUID(fresh).int >> 10


@given(fresh_ids(), groups)
def test_an_account_has_the_slot_of_its_group(fresh: str, group: AccountGroupId) -> None:
    account = account_id(fresh, group)

    assert_is_uuid(account, 7)
    assert slot_of(account) == slot_of(group)
    assert UUID(account).int >> 10 == UUID(fresh).int >> 10


@given(fresh_ids(), moments, accounts, legs, venues, names)
def test_parent_order_order_and_execution_have_the_slot_of_their_account(
    fresh: str, now: datetime, account: AccountId, leg: int, venue: VenueId, name: str
) -> None:
    parent = parent_order_id(fresh, now, account)
    order = order_id(parent, leg)
    execution = execution_id(venue, name, order)

    assert {slot_of(any_id) for any_id in (parent, order, execution)} == {slot_of(account)}


@given(fresh_ids(), moments, accounts)
def test_a_deposit_has_the_slot_of_its_account(fresh: str, now: datetime, account: AccountId) -> None:
    deposit = deposit_id(fresh, now, account)

    assert_is_uuid(deposit, 7)
    assert slot_of(deposit) == slot_of(account)
    assert leg_of(OrderId(deposit)) == 0


@given(fresh_ids(), moments, frames, slots)
def test_an_event_has_the_slot_that_is_named(fresh: str, now: datetime, frame: int, slot: int) -> None:
    assert slot_of(event_id(fresh, now, frame, slot)) == slot


@given(orders, lane_counts)
def test_a_lane_is_the_slot_modulo_the_number_of_lanes(order: OrderId, lane_count: int) -> None:
    assert lane_of(order, lane_count) == slot_of(order) % lane_count == UUID(order).int % lane_count


@given(fresh_ids(), moments, accounts, legs, venues, lane_counts)
def test_everything_of_an_account_is_in_its_lane(
    fresh: str, now: datetime, account: AccountId, leg: int, venue: VenueId, lane_count: int
) -> None:
    order = order_id(parent_order_id(fresh, now, account), leg)
    everything = (order, parent_of(order), execution_id(venue, "E1", order))

    assert {lane_of(any_id, lane_count) for any_id in everything} == {lane_of(account, lane_count)}


# Versions and text


@given(parents)
def test_a_parent_order_is_a_uuid_of_version_7_with_no_leg(parent: ParentOrderId) -> None:
    assert_is_uuid(parent, 7)
    assert leg_of(OrderId(parent)) == 0


@given(parents, legs)
def test_an_order_is_a_uuid_of_version_7(parent: ParentOrderId, leg: int) -> None:
    assert_is_uuid(order_id(parent, leg), 7)


@given(fresh_ids(), moments, frames, slots)
def test_an_event_is_a_uuid_of_version_7(fresh: str, now: datetime, frame: int, slot: int) -> None:
    made = event_id(fresh, now, frame, slot)

    assert_is_uuid(made, 7)
    assert UUID(made).int >> 64 & 0xFFF == frame


@given(venues, names, orders)
def test_an_execution_is_a_uuid_of_version_8(venue: VenueId, name: str, order: OrderId) -> None:
    assert_is_uuid(execution_id(venue, name, order), 8)


@given(fresh_ids())
def test_any_written_form_is_read_as_the_canonical_one(any_id: str) -> None:
    forms = (any_id, any_id.upper(), any_id.replace("-", ""))

    assert [parse_id(form) for form in forms] == [any_id] * len(forms)


NO_UUIDS = [
    "",
    "order",
    "017ac966-dec0-7000-8000-00000000000",
    f"g{'0' * 31}",
    "+17ac966-dec0-7000-8000-000000000000",
    "0x7ac966-dec0-7000-8000-000000000000",
    " 17ac966-dec0-7000-8000-000000000000",
    "{017ac966-dec0-7000-8000-000000000000}",
    "017ac966dec0-7000-8000-000000000000",
]


@pytest.mark.parametrize("text", NO_UUIDS)
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no UUID"):
        parse_id(text)


# Orders and their parents


@given(parents, legs)
def test_parent_and_leg_follow_from_the_id_of_an_order(parent: ParentOrderId, leg: int) -> None:
    order = order_id(parent, leg)

    assert parent_of(order) == parent
    assert leg_of(order) == leg


@given(parents)
def test_the_parent_of_its_first_and_last_leg_is_the_same(parent: ParentOrderId) -> None:
    first, last = order_id(parent, 1), order_id(parent, LEGS_MAX)

    assert LEGS_MAX == 4095
    assert first != last
    assert parent_of(first) == parent_of(last) == parent


@pytest.mark.parametrize("leg", [-1, 0, 4096, 65_537])
def test_a_leg_that_no_parent_order_has_is_refused(leg: int) -> None:
    parent = parent_order_id(str(SystemIds().new_id()), NOW, AccountId(str(SystemIds().new_id())))

    with pytest.raises(ValueError, match=f"legs 1 to 4095, not {leg}"):
        order_id(parent, leg)


# Time


@given(fresh_ids(), moments, accounts)
def test_a_parent_order_carries_the_business_time_not_that_of_its_randomness(
    fresh: str, now: datetime, account: AccountId
) -> None:
    now = whole_milliseconds(now)

    assert milliseconds_of(parent_order_id(fresh, now, account)) == round(now.timestamp() * 1000)


@given(st.tuples(fresh_ids(), fresh_ids()), moments, st.integers(1, 10**9), st.tuples(accounts, accounts), legs, legs)
def test_what_is_made_later_sorts_later_as_text_and_as_bytes(
    fresh: tuple[str, str], now: datetime, later_ms: int, both: tuple[AccountId, AccountId], leg: int, other_leg: int
) -> None:
    now = whole_milliseconds(now)
    early, late = (
        parent_order_id(new, moment, account)
        for new, moment, account in zip(fresh, (now, now + timedelta(milliseconds=later_ms)), both, strict=True)
    )

    assert_sorted(early, late)
    assert_sorted(order_id(early, leg), order_id(late, other_leg))


@given(
    st.tuples(fresh_ids(), fresh_ids()),
    moments,
    st.integers(1, 10**9),
    st.tuples(frames, frames),
    st.tuples(slots, slots),
)
def test_events_of_a_later_segment_sort_later(
    fresh: tuple[str, str], now: datetime, later_ms: int, both_frames: tuple[int, int], both_slots: tuple[int, int]
) -> None:
    now = whole_milliseconds(now)
    times = (now, now + timedelta(milliseconds=later_ms))

    assert_sorted(*map(event_id, fresh, times, both_frames, both_slots))


@given(parents, st.tuples(legs, legs).filter(lambda pair: pair[0] < pair[1]))
def test_the_orders_of_a_parent_order_sort_by_leg(parent: ParentOrderId, pair: tuple[int, int]) -> None:
    assert_sorted(*(order_id(parent, leg) for leg in pair))


@given(fresh_ids(), moments, slots, st.integers(0, 40))
def test_the_events_of_a_segment_sort_by_frame(fresh: str, now: datetime, slot: int, count: int) -> None:
    assert_sorted(*event_ids(fresh, now, count, slot))


def assert_sorted(*ids: str) -> None:
    assert all(early < late for early, late in pairwise(ids))
    assert all(UUID(early).bytes < UUID(late).bytes for early, late in pairwise(ids))


# Segments


@given(fresh_ids(), moments, slots, st.integers(0, 40))
def test_the_ids_of_a_segment_are_those_of_its_frames(fresh: str, now: datetime, slot: int, count: int) -> None:
    assert event_ids(fresh, now, count, slot) == [event_id(fresh, now, frame, slot) for frame in range(count)]


def test_a_segment_has_at_most_4096_frames() -> None:
    fresh = str(SystemIds().new_id())
    full: list[EventId] = event_ids(fresh, NOW, 4096, 7)

    assert (len(set(full)), full[-1]) == (4096, event_id(fresh, NOW, 4095, 7))
    with pytest.raises(ValueError, match="at most 4096 frames, not 4097"):
        event_ids(fresh, NOW, 4097, 7)


@pytest.mark.parametrize("frame", [-1, 4096])
def test_a_frame_that_no_segment_has_is_refused(frame: int) -> None:
    with pytest.raises(ValueError, match=f"frames 0 to 4095, not {frame}"):
        event_id(str(SystemIds().new_id()), NOW, frame, 7)


# Executions


@given(venues, names, orders)
def test_an_execution_that_is_reported_again_has_the_same_id(venue: VenueId, name: str, order: OrderId) -> None:
    assert execution_id(VenueId(parse_id(venue)), name, OrderId(parse_id(order))) == execution_id(venue, name, order)


@given(venues, names, orders)
def test_an_execution_is_the_hash_of_venue_name_and_order_with_the_slot(
    venue: VenueId, name: str, order: OrderId
) -> None:
    bits = int.from_bytes(sha256(f"{venue}\n{name}\n{order}".encode()).digest()[:16])
    bits = bits & ~(0xF << 76) | 8 << 76
    bits = bits & ~(0b11 << 62) | 0b10 << 62
    bits = bits & ~0x3FF | slot_of(order)

    assert execution_id(venue, name, order) == str(UUID(int=bits))


@given(venues, names, parents, st.sets(legs, min_size=2, max_size=5))
def test_a_block_fill_gives_each_order_an_execution_of_its_own(
    venue: VenueId, name: str, parent: ParentOrderId, several: set[int]
) -> None:
    assert len({execution_id(venue, name, order_id(parent, leg)) for leg in several}) == len(several)


@given(st.tuples(venues, names, orders), st.tuples(venues, names, orders))
def test_different_executions_have_different_ids(
    first: tuple[VenueId, str, OrderId], second: tuple[VenueId, str, OrderId]
) -> None:
    assert (execution_id(*first) == execution_id(*second)) == (first == second)


@given(venues, orders, st.text("\n0a-", max_size=6), st.text("\n0a-", max_size=6))
def test_line_feeds_in_a_venues_execution_id_do_not_confuse_it_with_another(
    venue: VenueId, order: OrderId, name: str, other: str
) -> None:
    assert (execution_id(venue, name, order) == execution_id(venue, other, order)) == (name == other)


def test_the_id_of_an_execution_stays_as_it_is_written_down_here() -> None:
    venue = VenueId("017ac966-dec0-7000-8000-000000000001")
    order = OrderId("017ac966-dec0-7003-9abc-def012345285")

    assert execution_id(venue, "E-1", order) == "4e9dcf4c-50ff-84f5-99c6-599559b9e285"


# A million of each


def test_a_million_parent_orders_of_one_slot_and_one_millisecond_have_a_million_ids() -> None:
    # 52 random bits tell them apart: by chance alone this fails once in 9,000 runs. `uuid7` is what SystemIds asks.
    account = AccountId(in_slot(str(uuid7()), 645))

    assert len({parent_order_id(str(uuid7()), NOW, account) for _ in range(MILLION)}) == MILLION


def test_a_million_executions_have_a_million_ids() -> None:
    venue_ids = [VenueId(str(uuid7())) for _ in range(10)]
    account = AccountId(in_slot(str(uuid7()), 645))
    order_ids = [order_id(parent_order_id(str(uuid7()), NOW, account), leg) for leg in range(1, 1001)]
    reported = product(venue_ids, [f"E{number}" for number in range(100)], order_ids)

    assert len({execution_id(*each) for each in reported}) == MILLION
