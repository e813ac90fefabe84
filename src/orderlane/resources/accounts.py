"""Accounts as JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from orderlane.domain.account import Account, AccountStatus, AccountType, Distribution
from orderlane.resources.fields import TimeText
from orderlane.resources.formats import Uuid, write_time
from orderlane.resources.requests import AccountGroupIdText, AmountText, CurrencyCode, RequestBody, Text, UserIdText
from orderlane.resources.users import UserReference


class AccountRequest(RequestBody, frozen=True):
    """A new account of a user, in one of the user's account groups."""

    user_id: UserIdText
    account_group_id: AccountGroupIdText
    type: AccountType
    name: Annotated[Text, Meta(examples=["Savings"])] = ""
    distribution: Distribution = Distribution.DEFAULT


class DepositRequest(RequestBody, frozen=True):
    """Cash that came in for an account."""

    amount: AmountText
    currency: CurrencyCode


class AccountResource(Struct, frozen=True, kw_only=True):
    """An account; `account_number` counts the accounts of its group from 1."""

    id: Uuid
    created_at: TimeText
    updated_at: TimeText
    account_group_id: Uuid
    name: Annotated[str, Meta(examples=["Savings"])]
    type: AccountType
    status: AccountStatus
    account_number: Annotated[int, Meta(examples=[1])]
    users: list[UserReference]
    currency: CurrencyCode
    distribution: Distribution


def account_resource(account: Account) -> AccountResource:
    """An account as JSON."""
    return AccountResource(
        id=account.id,
        created_at=write_time(account.created_at),
        updated_at=write_time(account.updated_at),
        account_group_id=account.account_group_id,
        name=account.name,
        type=account.type,
        status=account.status,
        account_number=account.account_number,
        users=[UserReference(account.user_id)],
        currency=account.currency,
        distribution=account.distribution,
    )
