"""The journal: every change of a holding is an entry, and nothing is ever overdrawn."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.account import AssetType, Holding, JournalEntry, JournalReason, lane_of
from orderlane.domain.errors import HoldingOverdrawn
from orderlane.domain.messages import Deposit
from tests.unit.domain.worlds import ACCOUNT, NOW, cash, world_of_two

NOTHING = Holding(ACCOUNT, "EUR", AssetType.CASH)


def entry(quantity: str | Decimal, locked: str | Decimal = "0", pending: str | Decimal = "0") -> JournalEntry:
    return JournalEntry(
        ACCOUNT,
        "EUR",
        AssetType.CASH,
        Decimal(quantity),
        Decimal(locked),
        Decimal(pending),
        JournalReason.EXECUTION,
        1,
        NOW,
    )


def test_an_entry_changes_all_three_figures() -> None:
    assert cash("100", locked="40").after(entry("-30", "-30", "5")) == replace(
        NOTHING, quantity=Decimal(70), locked=Decimal(10), pending=Decimal(5)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(entry("-100.01"), id="less than nothing"),
        pytest.param(entry("0", "60.01"), id="more locked than there is"),
        pytest.param(entry("-60.01"), id="what is locked is not there to spend"),
        pytest.param(entry("0", "-40.01"), id="more freed than is locked"),
        pytest.param(entry("0", "0", "-0.01"), id="more settled than is pending"),
    ],
)
def test_nothing_is_overdrawn(wrong: JournalEntry) -> None:
    with pytest.raises(HoldingOverdrawn, match="would hold"):
        cash("100", locked="40").after(wrong)


@given(st.lists(st.tuples(*[st.decimals(-1000, 1000, places=10)] * 3), max_size=30))
def test_a_holding_is_the_sum_of_the_entries_that_were_taken(deltas: list[tuple[Decimal, ...]]) -> None:
    holding, taken = NOTHING, []
    for delta in deltas:
        try:
            holding = holding.after(entry(*delta))
        except HoldingOverdrawn:
            continue
        taken.append(delta)
        assert min(holding.available, holding.locked, holding.pending) >= 0

    sums = tuple(sum(column, Decimal(0)) for column in zip(*taken, strict=True)) or (0, 0, 0)
    assert (holding.quantity, holding.locked, holding.pending) == sums


def test_large_holdings_keep_their_smallest_digit() -> None:
    large = cash("99999999999999999999.99").after(entry("99999999999999999999.9999999999"))

    assert large.quantity == Decimal("199999999999999999999.9899999999")


def test_a_deposit_says_what_for() -> None:
    world = world_of_two()
    deposit_id = world.new_id()
    decision = world.say(Deposit(deposit_id, Decimal("12.34"), "EUR"))

    (posted,) = decision.journal
    assert (posted.reason, posted.deposit_id, posted.message_id) == (JournalReason.DEPOSIT, deposit_id, 1)
    assert (posted.asset, posted.asset_type, posted.quantity) == ("EUR", AssetType.CASH, Decimal("12.34"))
    assert world.holding("EUR").available == Decimal("12.34")
    assert decision.events == []


def test_every_entry_names_its_message_and_what_it_was_for() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000")
    for order in world.orders(placed):
        world.fill(order)

    assert [one.message_id for one in world.journal] == [1, 2, 2, 3, 3, 4, 4]
    for posted in world.journal[1:]:
        assert posted.portfolio_order_id == placed.id
        assert posted.order_id in placed.order_ids
        assert (posted.execution_id is not None) == (posted.reason is JournalReason.EXECUTION)


@given(st.uuids(), st.integers(1, 1024))
def test_an_account_has_one_lane_for_ever(account_id: UUID, lane_count: int) -> None:
    assert lane_of(account_id, lane_count) == lane_of(UUID(str(account_id)), lane_count)
    assert 0 <= lane_of(account_id, lane_count) < lane_count
