"""What a new epoch means for a delivery: which lanes it cannot go on with, and what of it stays. Pure."""

import msgspec

from orderlane.domain.epochs import forked_lanes
from orderlane.domain.places import is_stopped, position_of
from orderlane.ports.deliveries import DeliveryState, Package
from orderlane.webhooks.cursors import with_lanes_stopped


def lanes_to_stop(state: DeliveryState) -> frozenset[int]:
    """The lanes whose history forked below what is delivered or in flight, and that are not stopped yet."""
    furthest = (state.package.reached if state.package else state.cursor).places
    forked = forked_lanes(state.epoch, [position_of(place) for place in furthest], state.epochs)
    return frozenset(lane for lane in forked if not is_stopped(furthest[lane]))


def remaining_package(state: DeliveryState, lanes: frozenset[int]) -> Package | None:
    """The package in flight with lanes stopped; None if it holds events of them, so that it cannot be sent again."""
    package, delivered = state.package, state.cursor.places
    if package is None or any(package.reached.places[lane] != delivered[lane] for lane in lanes):
        return None
    return msgspec.structs.replace(package, reached=with_lanes_stopped(package.reached, lanes))
