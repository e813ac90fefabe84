"""A BUY of 1,000 EUR that is placed, and its two legs."""

import pytest

from orderlane.domain.order import Order
from orderlane.domain.parent_order import ParentOrder
from tests.unit.domain.worlds import World, world_of_two


@pytest.fixture
def world() -> World:
    world = world_of_two()
    world.deposit("1000")
    return world


@pytest.fixture
def placed(world: World) -> ParentOrder:
    """A BUY of 400 EUR of a share at 100 and 600 EUR of an ETF at 10."""
    return world.place("BUY", "1000")


@pytest.fixture
def share(placed: ParentOrder) -> Order:
    return placed.orders[0]


@pytest.fixture
def etf(placed: ParentOrder) -> Order:
    return placed.orders[1]
