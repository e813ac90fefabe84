"""Accounts as JSON."""

from uuid import UUID

from msgspec import Struct

from orderlane.domain.account import Account
from orderlane.resources.formats import write_time


class AccountUser(Struct, frozen=True):
    """A user's part in an account or an account group."""

    id: UUID
    type: str


class AccountResource(Struct, frozen=True):
    """An account; `account_number` counts the accounts of its group from 1."""

    id: UUID
    created_at: str
    updated_at: str
    account_group_id: UUID
    name: str
    type: str
    status: str
    account_number: int
    users: list[AccountUser]
    currency: str
    distribution: str


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
        users=[AccountUser(one.user_id, "OWNER")],
        currency=one.currency,
        distribution=one.distribution,
    )
