"""Account groups as JSON: the accounts of a user, held together."""

from typing import Annotated

from msgspec import Meta, Struct

from orderlane.domain.onboarding import AccountGroup, AccountGroupStatus, AccountGroupType
from orderlane.resources.fields import TimeText
from orderlane.resources.formats import Uuid, write_time
from orderlane.resources.requests import RequestBody, UserIdText
from orderlane.resources.users import UserReference


class AccountGroupRequest(RequestBody, frozen=True):
    """A new account group of a user."""

    user_id: UserIdText
    type: AccountGroupType


class AccountGroupResource(Struct, frozen=True, kw_only=True):
    """An account group."""

    id: Uuid
    created_at: TimeText
    updated_at: TimeText
    type: AccountGroupType
    status: AccountGroupStatus
    securities_account_number: Annotated[
        str,
        Meta(pattern=r"^[0-9]{9}\Z", description="Nine digits, of no other account group.", examples=["100000017"]),
    ]
    users: list[UserReference]


def account_group_resource(group: AccountGroup) -> AccountGroupResource:
    """An account group as JSON."""
    return AccountGroupResource(
        id=group.id,
        created_at=write_time(group.created_at),
        updated_at=write_time(group.updated_at),
        type=group.type,
        status=group.status,
        securities_account_number=str(group.securities_account_number),
        users=[UserReference(group.user_id)],
    )
