"""Account groups as JSON: the accounts of a user, held together."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from orderlane.resources.requests import RequestBody
from orderlane.resources.users import UserReference

AccountGroupType = Literal["PERSONAL"]
AccountGroupStatus = Literal["ACTIVE", "LOCKED", "CLOSED"]


class AccountGroupRequest(RequestBody, frozen=True):
    """A new account group of a user."""

    user_id: UUID
    type: AccountGroupType


class AccountGroupResource(Struct, frozen=True, kw_only=True):
    """An account group."""

    id: UUID
    created_at: str
    updated_at: str
    type: AccountGroupType
    status: AccountGroupStatus
    securities_account_number: str
    users: list[UserReference]
