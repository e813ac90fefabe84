"""Onboarding: users, their account groups and accounts, and cash that comes in. Facts in, records or refusals out."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, structs

from orderlane.domain.account import Account, AccountStatus, AccountType, Distribution
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import AccountGroupId, ClientId, DepositId, UserId, account_id
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.domain.users import UserStatus


class AccountGroupType(StrEnum):
    """Whom an account group belongs to."""

    PERSONAL = "PERSONAL"


class AccountGroupStatus(StrEnum):
    """Whether accounts may be added to an account group."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    CLOSED = "CLOSED"


class User(Struct, frozen=True, kw_only=True):
    """A user of a client; `details` is what the client told at onboarding, as JSON."""

    id: UserId
    client_id: ClientId
    details: str
    status: UserStatus
    created_at: datetime
    updated_at: datetime


class AccountGroup(Struct, frozen=True, kw_only=True):
    """The accounts of a user, held together; the store numbers it."""

    id: AccountGroupId
    client_id: ClientId
    user_id: UserId
    type: AccountGroupType
    status: AccountGroupStatus
    securities_account_number: int = 0
    created_at: datetime
    updated_at: datetime


class GroupOpening(Struct, frozen=True, kw_only=True):
    """An account group as a client asks for it."""

    user_id: UserId
    type: AccountGroupType


class AccountOpening(Struct, frozen=True, kw_only=True):
    """An account as a client asks for it."""

    user_id: UserId
    account_group_id: AccountGroupId
    type: AccountType
    name: str
    distribution: Distribution


class AccountFacts(Struct, frozen=True, kw_only=True):
    """What is known when an account is opened: None where the client has no such user or account group.

    `last_number` is that of the group's latest account, 0 when it has none; `currency` is the installation's.
    """

    user_status: UserStatus | None
    group: AccountGroup | None
    last_number: int
    currency: str
    now: datetime


def new_user(user_id: UserId, client_id: ClientId, details: str, now: datetime) -> User:
    """A user as it is stored: ACTIVE at once."""
    return User(
        id=user_id,
        client_id=client_id,
        details=details,
        status=UserStatus.ACTIVE,
        created_at=now,
        updated_at=now,
    )


def offboarded_user(user: User, *, has_open_accounts: bool, now: datetime) -> User:
    """The user at the end of the relation: OFFBOARDED, or OFFBOARDING while there is an account that is not CLOSED."""
    status = UserStatus.OFFBOARDING if has_open_accounts else UserStatus.OFFBOARDED
    return structs.replace(user, status=status, updated_at=now)


def new_account_group(
    opening: GroupOpening,
    user_status: UserStatus | None,
    group_id: AccountGroupId,
    client_id: ClientId,
    now: datetime,
) -> AccountGroup:
    """An account group as it is stored, ACTIVE at once. `user_status` is None when the client has no such user.

    Raises:
        FieldRefused: there is no such user.
        StateRefused: the user is not ACTIVE.
    """
    _check_user(opening.user_id, user_status)
    return AccountGroup(
        id=group_id,
        client_id=client_id,
        user_id=opening.user_id,
        type=opening.type,
        status=AccountGroupStatus.ACTIVE,
        created_at=now,
        updated_at=now,
    )


def new_account(opening: AccountOpening, facts: AccountFacts, fresh_id: str) -> Account:
    """An account as it is stored: ACTIVE at once, with the next number of its group, in the group's slot.

    Raises:
        FieldRefused: the user or the account group does not exist for this client, or they do not belong together.
        StateRefused: the user or the account group is not ACTIVE.
    """
    _check_user(opening.user_id, facts.user_status)
    group = _fitting_group(opening, facts.group)
    return Account(
        id=account_id(fresh_id, group.id),
        client_id=group.client_id,
        user_id=opening.user_id,
        account_group_id=group.id,
        type=opening.type,
        status=AccountStatus.ACTIVE,
        name=opening.name,
        currency=facts.currency,
        distribution=opening.distribution,
        account_number=facts.last_number + 1,
        created_at=facts.now,
        updated_at=facts.now,
    )


def new_deposit(account: Account, amount: Decimal, currency: str, new_id: DepositId) -> BookDeposit:
    """What the account's lane is told of cash that came in.

    Raises:
        FieldRefused: the account is in another currency.
        StateRefused: the account is CLOSED.
    """
    if account.currency != currency:
        raise FieldRefused("currency", f"must be {account.currency}, the account's, not {currency}")
    if account.status is AccountStatus.CLOSED:
        raise StateRefused(f"account {account.id} is CLOSED")
    return BookDeposit(new_id, amount, currency)


def _check_user(user_id: UserId, status: UserStatus | None) -> None:
    if status is None:
        raise FieldRefused("user_id", f"there is no user {user_id}")
    if status is not UserStatus.ACTIVE:
        raise StateRefused(f"user {user_id} is {status}, not ACTIVE")


def _fitting_group(opening: AccountOpening, group: AccountGroup | None) -> AccountGroup:
    if group is None:
        raise FieldRefused("account_group_id", f"there is no account group {opening.account_group_id}")
    if group.user_id != opening.user_id:
        raise FieldRefused("account_group_id", f"account group {group.id} does not belong to user {opening.user_id}")
    if group.status is not AccountGroupStatus.ACTIVE:
        raise StateRefused(f"account group {group.id} is {group.status}, not ACTIVE")
    return group
