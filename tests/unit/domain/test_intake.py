"""Intake: what may be ordered is accepted as NEW, whatever else is refused by the field or state that is wrong."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orderlane.domain.account import AccountStatus, AccountType
from orderlane.domain.errors import FieldRefused, FieldsRefused, StateRefused
from orderlane.domain.ids import UserId, slot_of
from orderlane.domain.intake import PlacementFacts, PortfolioOrderPlacement, accepted_portfolio_order
from orderlane.domain.order import Side
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.domain.portfolio_order import InitiationFlow, PortfolioOrderStatus, PortfolioOrderType
from orderlane.domain.users import UserStatus
from tests.unit.domain.worlds import (
    ACCOUNT,
    ALLOCATION,
    CLIENT,
    EUR,
    NOW,
    SLOT,
    USER,
    World,
    account,
    numbered_id,
    world_of_two,
)

OTHER_USER = UserId(numbered_id(90))
PLACEMENT = PortfolioOrderPlacement(
    user_id=USER, account_id=ACCOUNT, cash_amount=Decimal("1000.00"), currency="EUR", side=Side.BUY
)
FACTS = PlacementFacts(
    currency=EUR, account=account(), user_status=UserStatus.ACTIVE, allocation_id=ALLOCATION, now=NOW
)


def accepted(placement: PortfolioOrderPlacement = PLACEMENT, **facts: object) -> ParentOrder:
    return accepted_portfolio_order(placement, structs.replace(FACTS, **facts), numbered_id(91))


@pytest.mark.parametrize("side", Side)
def test_what_is_accepted_is_new_and_says_all_that_was_asked(side: Side) -> None:
    placement = structs.replace(PLACEMENT, side=side, post_tax=False, client_reference="monthly")
    taken = accepted(placement)

    assert taken == ParentOrder(
        id=taken.id,
        kind=ParentKind.PORTFOLIO,
        client_id=CLIENT,
        user_id=USER,
        account_id=ACCOUNT,
        allocation_id=ALLOCATION,
        cash_amount=Decimal("1000.00"),
        currency="EUR",
        type=PortfolioOrderType(side.value),
        status=PortfolioOrderStatus.NEW,
        post_tax=False,
        client_reference="monthly",
        initiation_flow=InitiationFlow.API,
        created_at=NOW,
        updated_at=NOW,
    )
    assert (taken.orders, taken.sequence, taken.wave, taken.is_last_wave) == ((), 0, 0, True)


def test_what_a_client_leaves_out_is_before_tax_and_without_a_reference() -> None:
    taken = accepted()

    assert taken.post_tax is False
    assert taken.client_reference == ""


@given(st.integers(0, 2**40))
def test_it_is_in_the_slot_of_its_account_and_named_for_the_time(number: int) -> None:
    taken = accepted_portfolio_order(PLACEMENT, FACTS, numbered_id(number))

    assert slot_of(taken.id) == SLOT
    assert taken.id.startswith("017ac966-dec0-7000-")


@pytest.mark.parametrize("flow", InitiationFlow)
def test_it_says_what_placed_it(flow: InitiationFlow) -> None:
    assert accepted_portfolio_order(PLACEMENT, FACTS, numbered_id(91), flow).initiation_flow is flow


@pytest.mark.parametrize("status", AccountStatus)
def test_what_the_lane_decides_is_no_reason_to_refuse(status: AccountStatus) -> None:
    """Neither the account's status nor that it follows nothing: both are told by event."""
    assert accepted(account=account(status=status), allocation_id=None).allocation_id is None


def test_what_is_accepted_is_what_the_lane_announces() -> None:
    world: World = world_of_two()
    world.deposit("1000")
    taken = accepted()
    world.state.parents[taken.id] = taken
    world.place_accepted(taken)

    assert world.event_types == ["PORTFOLIO_ORDER.NEW", "ORDER.NEW", "ORDER.NEW"]


@pytest.mark.parametrize(
    ("facts", "field", "message"),
    [
        ({"user_status": None}, "user_id", f"there is no user {USER}"),
        ({"account": None}, "account_id", f"there is no account {ACCOUNT}"),
        (
            {"account": structs.replace(account(), user_id=OTHER_USER)},
            "account_id",
            f"account {ACCOUNT} does not belong to user {USER}",
        ),
        (
            {"account": structs.replace(account(), type=AccountType.TRADING)},
            "account_id",
            f"account {ACCOUNT} is a TRADING account, not PORTFOLIO",
        ),
        ({"account": account("JPY")}, "currency", "must be JPY, the account's, not EUR"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(facts: dict[str, object], field: str, message: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        accepted(**facts)
    assert (refused.value.field, refused.value.message) == (field, message)


@pytest.mark.parametrize("status", [status for status in UserStatus if status is not UserStatus.ACTIVE])
def test_only_an_active_user_orders(status: UserStatus) -> None:
    with pytest.raises(StateRefused, match=f"user {USER} is {status}, not ACTIVE"):
        accepted(user_status=status)


def test_every_field_that_does_not_fit_is_named() -> None:
    wrong = structs.replace(PLACEMENT, cash_amount=Decimal(0), currency="XYZ", post_tax=True)

    with pytest.raises(FieldsRefused) as refused:
        accepted(wrong, currency=None, user_status=None, account=None)

    fields = [refusal.field for refusal in refused.value.refusals if isinstance(refusal, FieldRefused)]
    assert fields == ["currency", "cash_amount", "post_tax", "user_id", "account_id"]


def test_an_account_that_does_not_fit_and_its_currency_are_named_together() -> None:
    trading = structs.replace(account("JPY"), type=AccountType.TRADING)

    with pytest.raises(FieldsRefused, match=r"is a TRADING account.*must be JPY"):
        accepted(account=trading)


def test_what_fits_in_itself_comes_before_the_users_status() -> None:
    with pytest.raises(FieldRefused, match="must be JPY"):
        accepted(user_status=UserStatus.INACTIVE, account=account("JPY"))


@pytest.mark.parametrize(
    ("field", "changes", "facts", "named"),
    [
        ("currency", {"currency": "XYZ"}, {"currency": None}, "not a currency"),
        ("cash_amount", {"cash_amount": Decimal(0)}, {}, "greater than 0"),
        ("cash_amount", {"cash_amount": Decimal("0.001")}, {}, "at most 2 decimals"),
        ("post_tax", {"post_tax": True}, {}, "must be false"),
    ],
)
def test_what_cannot_be_ordered_by_anybody_is_refused(
    field: str, changes: dict[str, object], facts: dict[str, object], named: str
) -> None:
    with pytest.raises(FieldRefused, match=named) as refusal:
        accepted(structs.replace(PLACEMENT, **changes), **facts)

    assert refusal.value.field == field
