"""What a new epoch means for a delivery: the forked lanes are stopped, once, and nothing of them is sent again."""

from datetime import UTC, datetime

import pytest

from orderlane.domain.epochs import Epoch
from orderlane.domain.places import place_behind, place_of, stopped
from orderlane.ports.deliveries import DeliveryState, Package
from orderlane.ports.feed import Cursor
from orderlane.webhooks.forks import lanes_to_stop, remaining_package
from tests.unit.webhooks.segments import ALL, NOW

BEGAN_AT = datetime(2026, 3, 2, tzinfo=UTC)


def cursor(*places: int) -> Cursor:
    return Cursor(places, [NOW] * len(places))


def epoch(number: int, *heads: int) -> Epoch:
    return Epoch(number=number, system_identifier=1, timeline=number, heads=heads, reason="test", began_at=BEGAN_AT)


def state(delivered: Cursor, *epochs: Epoch, in_flight: Cursor | None = None, cursor_epoch: int = 1) -> DeliveryState:
    package = None if in_flight is None else Package(id="p", created_at=NOW, reached=in_flight, filter=ALL)
    return DeliveryState(
        cursor=delivered, package=package, attempts=0, wait_seconds=0.0, epoch=cursor_epoch, epochs=epochs
    )


@pytest.mark.parametrize(
    ("place", "is_forked"),
    [
        (place_behind(7), False),
        (place_of(7, 0), False),
        (place_of(8, 0), True),
        (place_behind(8), True),
        (stopped(place_behind(8)), False),
    ],
)
def test_a_lane_is_stopped_when_an_epoch_began_below_it_and_it_is_not_stopped_yet(place: int, is_forked: bool) -> None:
    found = lanes_to_stop(state(cursor(place_behind(3), place), epoch(1, 0, 0), epoch(2, 9, 7)))

    assert found == ({1} if is_forked else set())


def test_without_a_later_epoch_nothing_is_stopped() -> None:
    assert lanes_to_stop(state(cursor(place_behind(9)))) == frozenset()
    assert lanes_to_stop(state(cursor(place_behind(9)), epoch(2, 3), cursor_epoch=2)) == frozenset()


def test_what_is_in_flight_counts_as_read() -> None:
    found = state(cursor(place_behind(5)), epoch(2, 7), in_flight=cursor(place_of(8, 3)))

    assert lanes_to_stop(found) == {0}


def test_a_package_with_events_of_a_stopped_lane_is_given_up() -> None:
    found = state(cursor(place_behind(5), 0), epoch(2, 4, 0), in_flight=cursor(place_of(6, 3), 0))

    assert remaining_package(found, frozenset({0})) is None


def test_a_package_without_events_of_a_stopped_lane_stays_in_flight() -> None:
    found = state(cursor(place_behind(5), 0), epoch(2, 4, 9), in_flight=cursor(place_behind(5), place_of(2, 1)))

    package = remaining_package(found, lanes_to_stop(found))

    assert package is not None
    assert list(package.reached.places) == [stopped(place_behind(5)), place_of(2, 1)]
    assert package.id == "p"


def test_without_a_package_none_remains() -> None:
    found = state(cursor(place_behind(5)), epoch(2, 4))

    assert remaining_package(found, lanes_to_stop(found)) is None
