"""Users of a client, and their account groups."""

from collections.abc import Sequence
from typing import Protocol

from orderlane.domain.ids import AccountGroupId, ClientId, UserId
from orderlane.domain.onboarding import AccountGroup, User
from orderlane.domain.users import UserStatus
from orderlane.ports.paging import Listing, Page


class Users(Protocol):
    """The users; another client's do not exist."""

    async def add(self, user: User) -> None:
        """Store a new user."""
        ...

    async def get(self, client_id: ClientId, user_id: UserId, *, to_change: bool = False) -> User:
        """One user; `to_change` keeps others from changing it until the unit of work ends.

        Raises:
            NotFound: the client has no such user.
        """
        ...

    async def list(self, client_id: ClientId, page: Page) -> Listing[User]:
        """A page of the client's users, by created_at, updated_at or id."""
        ...

    async def lock(self, client_id: ClientId, user_id: UserId) -> UserStatus | None:
        """The status of a user, which nobody changes until the unit of work ends; None without such a user."""
        ...

    async def change(self, user: User) -> None:
        """Store the status of a user."""
        ...


class AccountGroups(Protocol):
    """The account groups; another client's do not exist."""

    async def add(self, group: AccountGroup) -> AccountGroup:
        """Store a new group; as stored, with its number."""
        ...

    async def get(self, client_id: ClientId, group_id: AccountGroupId) -> AccountGroup:
        """One account group.

        Raises:
            NotFound: the client has no such group.
        """
        ...

    async def list(self, client_id: ClientId, page: Page, user_id: UserId | None = None) -> Listing[AccountGroup]:
        """A page of the client's account groups, or of one user's, by created_at, updated_at or id."""
        ...

    async def lock(self, client_id: ClientId, group_id: AccountGroupId) -> AccountGroup | None:
        """A group to which nobody else adds accounts until the unit of work ends; None without such a group."""
        ...

    async def ids_of_user(self, user_id: UserId) -> Sequence[AccountGroupId]:
        """The ids of a user's groups."""
        ...
