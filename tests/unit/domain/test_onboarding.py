"""Onboarding: what may be opened is ACTIVE at once; whatever else is refused by the field or state that is wrong."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orderlane.domain.account import Account, AccountStatus, AccountType, Distribution
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import deposit_id, slot_of
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.domain.onboarding import (
    AccountFacts,
    AccountGroup,
    AccountGroupStatus,
    AccountGroupType,
    AccountOpening,
    GroupOpening,
    User,
    new_account,
    new_account_group,
    new_deposit,
    new_user,
    offboarded_user,
)
from orderlane.domain.users import UserStatus
from tests.unit.domain.worlds import ACCOUNT, CLIENT, GROUP, NOW, SLOT, USER, account, numbered_id, world_of_two

LATER = NOW + timedelta(days=1)
OTHER_USER = numbered_id(80)
GROUP_OPENING = GroupOpening(user_id=USER, type=AccountGroupType.PERSONAL)
OPEN_GROUP = new_account_group(GROUP_OPENING, UserStatus.ACTIVE, GROUP, CLIENT, NOW)
OPENING = AccountOpening(
    user_id=USER,
    account_group_id=GROUP,
    type=AccountType.PORTFOLIO,
    name="Savings",
    distribution=Distribution.PRO_RATA,
)
FACTS = AccountFacts(user_status=UserStatus.ACTIVE, group=OPEN_GROUP, last_number=2, currency="EUR", now=NOW)

not_active = pytest.mark.parametrize("status", [status for status in UserStatus if status is not UserStatus.ACTIVE])


# Users


def test_a_user_is_active_at_once() -> None:
    assert new_user(USER, CLIENT, '{"first_name":"Ada"}', NOW) == User(
        id=USER,
        client_id=CLIENT,
        details='{"first_name":"Ada"}',
        status=UserStatus.ACTIVE,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("has_open_accounts", "status"), [(True, UserStatus.OFFBOARDING), (False, UserStatus.OFFBOARDED)]
)
def test_a_user_is_offboarded_once_no_account_is_open(has_open_accounts: bool, status: UserStatus) -> None:
    user = new_user(USER, CLIENT, "{}", NOW)
    left = offboarded_user(user, has_open_accounts=has_open_accounts, now=LATER)

    assert left == structs.replace(user, status=status, updated_at=LATER)


# Account groups


def test_an_account_group_is_active_at_once_and_not_numbered_yet() -> None:
    assert (
        AccountGroup(
            id=GROUP,
            client_id=CLIENT,
            user_id=USER,
            type=AccountGroupType.PERSONAL,
            status=AccountGroupStatus.ACTIVE,
            securities_account_number=0,
            created_at=NOW,
            updated_at=NOW,
        )
        == OPEN_GROUP
    )


def test_a_user_that_nobody_knows_gets_no_account_group() -> None:
    with pytest.raises(FieldRefused) as refused:
        new_account_group(GROUP_OPENING, None, GROUP, CLIENT, NOW)
    assert (refused.value.field, refused.value.message) == ("user_id", f"there is no user {USER}")


@not_active
def test_only_an_active_user_gets_an_account_group(status: UserStatus) -> None:
    with pytest.raises(StateRefused, match=f"user {USER} is {status}, not ACTIVE"):
        new_account_group(GROUP_OPENING, status, GROUP, CLIENT, NOW)


# Accounts


def opened(**facts: object) -> Account:
    return new_account(OPENING, structs.replace(FACTS, **facts), numbered_id(81))


def test_an_account_is_active_at_once_in_the_slot_of_its_group() -> None:
    made = opened()

    assert made == Account(
        id=made.id,
        client_id=CLIENT,
        user_id=USER,
        account_group_id=GROUP,
        type=AccountType.PORTFOLIO,
        status=AccountStatus.ACTIVE,
        name="Savings",
        currency="EUR",
        distribution=Distribution.PRO_RATA,
        account_number=3,
        created_at=NOW,
        updated_at=NOW,
    )
    assert slot_of(made.id) == SLOT == slot_of(GROUP)


@given(st.integers(0, 10**6))
def test_accounts_of_a_group_are_numbered_without_a_gap(last_number: int) -> None:
    assert opened(last_number=last_number).account_number == last_number + 1


@pytest.mark.parametrize(
    ("facts", "field", "message"),
    [
        ({"user_status": None}, "user_id", f"there is no user {USER}"),
        ({"group": None}, "account_group_id", f"there is no account group {GROUP}"),
        (
            {"group": structs.replace(OPEN_GROUP, user_id=OTHER_USER)},
            "account_group_id",
            f"account group {GROUP} does not belong to user {USER}",
        ),
    ],
)
def test_an_account_that_does_not_fit_is_refused_at_its_field(
    facts: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(FieldRefused) as refused:
        opened(**facts)
    assert (refused.value.field, refused.value.message) == (field, message)


@not_active
def test_only_an_active_user_gets_an_account(status: UserStatus) -> None:
    with pytest.raises(StateRefused, match=f"user {USER} is {status}, not ACTIVE"):
        opened(user_status=status)


@pytest.mark.parametrize("status", [AccountGroupStatus.LOCKED, AccountGroupStatus.CLOSED])
def test_only_an_active_group_gets_an_account(status: AccountGroupStatus) -> None:
    with pytest.raises(StateRefused, match=f"account group {GROUP} is {status}, not ACTIVE"):
        opened(group=structs.replace(OPEN_GROUP, status=status))


def test_whose_group_it_is_counts_before_whether_it_is_active() -> None:
    closed = structs.replace(OPEN_GROUP, user_id=OTHER_USER, status=AccountGroupStatus.CLOSED)

    with pytest.raises(FieldRefused, match="does not belong"):
        opened(group=closed)


# Deposits


def test_a_deposit_is_what_the_lane_books() -> None:
    new_id = deposit_id(numbered_id(82), NOW, ACCOUNT)
    message = new_deposit(account(), Decimal("12.30"), "EUR", new_id)
    world = world_of_two()
    world.say(message)

    assert message == BookDeposit(new_id, Decimal("12.30"), "EUR")
    assert world.holding("EUR").quantity == Decimal("12.30")


@given(st.integers(0, 2**40))
def test_a_deposit_has_the_slot_of_its_account(number: int) -> None:
    assert slot_of(deposit_id(numbered_id(number), NOW, ACCOUNT)) == SLOT


def test_a_deposit_in_another_currency_is_refused() -> None:
    with pytest.raises(FieldRefused) as refused:
        new_deposit(account("JPY"), Decimal(1), "EUR", deposit_id(numbered_id(82), NOW, ACCOUNT))
    assert (refused.value.field, refused.value.message) == ("currency", "must be JPY, the account's, not EUR")


def test_a_closed_account_takes_no_deposit_and_a_locked_one_does() -> None:
    new_id = deposit_id(numbered_id(82), NOW, ACCOUNT)

    with pytest.raises(StateRefused, match=f"account {ACCOUNT} is CLOSED"):
        new_deposit(account(status=AccountStatus.CLOSED), Decimal(1), "EUR", new_id)
    assert new_deposit(account(status=AccountStatus.LOCKED), Decimal(1), "EUR", new_id).amount == 1
