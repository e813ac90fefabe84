"""Users of a client, and their account groups."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from orderlane.ports.paging import Listing, Page
from orderlane.resources.account_groups import AccountGroupResource
from orderlane.resources.users import UserResource


class Users(Protocol):
    """The users; another client's do not exist."""

    async def add(self, client_id: UUID, user: UserResource) -> None:
        """Store a new user."""
        ...

    async def get(self, client_id: UUID, user_id: UUID) -> UserResource:
        """One user. Raises NotFound."""
        ...

    async def list(self, client_id: UUID, page: Page) -> Listing[UserResource]:
        """A page of the client's users, by created_at, updated_at or id."""
        ...

    async def offboard(self, client_id: UUID, user_id: UUID, now: datetime) -> None:
        """End the relation: OFFBOARDED, or OFFBOARDING while the user has an account. Raises NotFound."""
        ...


class AccountGroups(Protocol):
    """The account groups; another client's do not exist."""

    async def add(self, client_id: UUID, group: AccountGroupResource) -> AccountGroupResource:
        """Store a new group of its first user; as stored, with its number.

        Raises Invalid when there is no such user, Conflict when the user is not ACTIVE.
        """
        ...

    async def get(self, client_id: UUID, group_id: UUID) -> AccountGroupResource:
        """One account group. Raises NotFound."""
        ...

    async def list(self, client_id: UUID, page: Page, user_id: UUID | None = None) -> Listing[AccountGroupResource]:
        """A page of the client's account groups, or of one user's, by created_at, updated_at or id."""
        ...
