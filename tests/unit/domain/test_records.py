"""A changed copy of a record."""

from dataclasses import replace

import pytest

from orderlane.domain.account import Holding
from orderlane.domain.order import Order, OrderStatus
from orderlane.domain.records import changed
from tests.unit.domain.worlds import cash, world_of_two


def test_a_changed_record_is_what_replace_makes_of_it() -> None:
    world = world_of_two()
    world.deposit("1000")
    (order, _) = world.orders(world.place("BUY", "1000"))
    after: Order = changed(order, status=OrderStatus.PROCESSING, leg=7)

    assert after == replace(order, status=OrderStatus.PROCESSING, leg=7)
    assert (order.status, order.leg) == (OrderStatus.NEW, 0)
    assert type(after) is Order


def test_each_kind_of_record_keeps_its_own_fields() -> None:
    held: Holding = cash("10")

    assert changed(held, asset="USD") == replace(held, asset="USD")


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        changed(cash("10"), colour="red")
