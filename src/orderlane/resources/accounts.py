"""Accounts as JSON."""

from uuid import UUID

from msgspec import Struct

from orderlane.domain.account import Account, AccountStatus, AccountType, Distribution
from orderlane.resources.formats import write_time
from orderlane.resources.requests import CurrencyCode, DecimalText, RequestBody, Text
from orderlane.resources.users import UserReference


class AccountRequest(RequestBody, frozen=True):
    """A new account of a user, in one of the user's account groups."""

    user_id: UUID
    account_group_id: UUID
    type: AccountType
    name: Text = ""
    distribution: Distribution = Distribution.DEFAULT


class DepositRequest(RequestBody, frozen=True):
    """Cash that came in for an account."""

    amount: DecimalText
    currency: CurrencyCode


class AccountResource(Struct, frozen=True):
    """An account; `account_number` counts the accounts of its group from 1."""

    id: UUID
    created_at: str
    updated_at: str
    account_group_id: UUID
    name: str
    type: AccountType
    status: AccountStatus
    account_number: int
    users: list[UserReference]
    currency: CurrencyCode
    distribution: Distribution


def account_resource(one: Account, account_number: int) -> AccountResource:
    """An account as JSON."""
    return AccountResource(
        id=one.id,
        created_at=write_time(one.created_at),
        updated_at=write_time(one.updated_at),
        account_group_id=one.account_group_id,
        name=one.name,
        type=one.type,
        status=one.status,
        account_number=account_number,
        users=[UserReference(one.user_id)],
        currency=one.currency,
        distribution=one.distribution,
    )
