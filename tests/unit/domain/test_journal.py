"""The journal: every change of a holding is a posting, and nothing is ever overdrawn."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, structs

from orderlane.domain.account import AssetType, Holding, Posting, PostingReason
from orderlane.domain.errors import HoldingOverdrawn
from orderlane.domain.ids import DepositId, ExecutionId, OrderId, parent_of
from orderlane.domain.lane.depositing import BookDeposit
from tests.unit.domain.worlds import ACCOUNT, SAP, cash, events_of, position, world_of_two

NOTHING = Holding(account_id=ACCOUNT, asset="EUR", asset_type=AssetType.CASH)

decimals = st.decimals(-1000, 1000, places=10)
texts = st.text(max_size=40)


def posting(**numbers: str | Decimal) -> Posting:
    return Posting(
        asset="EUR",
        asset_type=AssetType.CASH,
        reason=PostingReason.EXECUTION,
        **{name: Decimal(number) for name, number in numbers.items()},
    )


def test_a_posting_changes_all_four_figures() -> None:
    before = cash("100", locked="40", owed="3")

    assert before.after(posting(quantity="-30", locked="-30", pending="5", owed="-2")) == structs.replace(
        NOTHING, quantity=Decimal(70), locked=Decimal(10), pending=Decimal(5), owed=Decimal(1)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(posting(quantity="-100.01"), id="less than nothing"),
        pytest.param(posting(locked="60.01"), id="more locked than there is"),
        pytest.param(posting(quantity="-60.01"), id="what is locked is not there to spend"),
        pytest.param(posting(locked="-40.01"), id="more freed than is locked"),
        pytest.param(posting(pending="-0.01"), id="more settled than is pending"),
        pytest.param(posting(owed="-0.01"), id="more given back than is owed"),
    ],
)
def test_nothing_is_overdrawn(wrong: Posting) -> None:
    with pytest.raises(HoldingOverdrawn, match="would hold"):
        cash("100", locked="40").after(wrong)


def test_what_was_taken_back_from_somebody_who_no_longer_had_it_is_owed() -> None:
    """A venue busts 5 units, of which the account still has 3."""
    taken = position(SAP, "3").after(
        Posting(
            asset=SAP,
            asset_type=AssetType.INSTRUMENT,
            reason=PostingReason.EXECUTION,
            quantity=Decimal(-5),
            owed=Decimal(2),
        )
    )

    assert (taken.quantity, taken.owed, taken.available) == (-2, 2, 0)


def test_what_is_owed_counts_as_there_in_what_is_available() -> None:
    assert cash("-2", owed="5", locked="1").available == 2
    assert cash("5", locked="1").available == 4


def test_no_more_is_locked_than_is_there_with_what_is_owed() -> None:
    held = cash("-2", owed="5")

    assert held.after(posting(locked="3")).available == 0
    with pytest.raises(HoldingOverdrawn):
        held.after(posting(locked="3.01"))


@given(st.lists(st.tuples(decimals, decimals, decimals, decimals), max_size=30))
def test_a_holding_is_the_sum_of_the_postings_that_were_taken(deltas: list[tuple[Decimal, ...]]) -> None:
    holding, taken = NOTHING, []
    for delta in deltas:
        try:
            holding = holding.after(posting(**dict(zip(("quantity", "locked", "pending", "owed"), delta, strict=True))))
        except HoldingOverdrawn:
            continue
        taken.append(delta)
        assert min(holding.available, holding.locked, holding.pending, holding.owed) >= 0
        assert holding.available == holding.quantity + holding.owed - holding.locked

    sums = tuple(sum(column, Decimal(0)) for column in zip(*taken, strict=True)) or (0, 0, 0, 0)
    assert (holding.quantity, holding.locked, holding.pending, holding.owed) == sums


def test_large_holdings_keep_their_smallest_digit() -> None:
    large = cash("99999999999999999999.99").after(posting(quantity="99999999999999999999.9999999999"))

    assert large.quantity == Decimal("199999999999999999999.9899999999")


def test_a_deposit_says_what_for() -> None:
    world = world_of_two()
    deposit_id = DepositId(world.new_id())
    decision = world.say(BookDeposit(deposit_id, Decimal("12.34"), "EUR"))

    assert decision.postings == [
        Posting(
            asset="EUR",
            asset_type=AssetType.CASH,
            reason=PostingReason.DEPOSIT,
            quantity=Decimal("12.34"),
            deposit_id=deposit_id,
        )
    ]
    assert world.holding("EUR").available == Decimal("12.34")
    assert events_of(decision) == []


def test_every_posting_names_what_it_was_for() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000")
    world.fill(*world.orders(placed))

    of_orders = world.postings[1:]
    assert [entry.reason for entry in of_orders] == [PostingReason.RESERVATION] * 2 + [PostingReason.EXECUTION] * 4
    executions = {trade.id: order.id for order in world.orders(placed) for trade in order.executions}
    for entry in of_orders:
        assert entry.order_id is not None
        assert parent_of(entry.order_id) == placed.id
        assert entry.deposit_id is None
        if entry.reason is PostingReason.EXECUTION:
            assert executions[entry.execution_id] == entry.order_id
        else:
            assert entry.execution_id is None


@given(
    st.builds(
        Posting,
        asset=texts,
        asset_type=st.sampled_from(AssetType),
        reason=st.sampled_from(PostingReason),
        quantity=decimals,
        locked=decimals,
        pending=decimals,
        owed=decimals,
        order_id=st.none() | texts.map(OrderId),
        execution_id=st.none() | texts.map(ExecutionId),
        deposit_id=st.none() | texts.map(DepositId),
    )
)
def test_a_posting_comes_back_from_its_json_to_the_digit(entry: Posting) -> None:
    again = json.decode(json.encode(entry), type=Posting)

    assert (again, repr(again)) == (entry, repr(entry))


def test_a_posting_is_stored_without_what_it_does_not_change() -> None:
    assert json.encode(posting(locked="-1.50")) == (
        b'{"asset":"EUR","asset_type":"CASH","reason":"EXECUTION","locked":"-1.50"}'
    )
