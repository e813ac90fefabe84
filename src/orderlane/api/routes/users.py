"""Users: who invests."""

from uuid import UUID

import msgspec

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.resources.formats import write_time
from orderlane.resources.users import Accepted, UserRequest, UserResource


@operation("POST", "/users", tag="Users", scope=Scope.USERS_ADMIN, idempotent=True, summary="Create a user")
async def create_user(call: Call, body: UserRequest) -> UserResource:
    """What onboarding tells is kept and given back as it came. The user is ACTIVE at once."""
    created_at = write_time(call.now)
    user = UserResource(
        id=call.new_id(),
        created_at=created_at,
        updated_at=created_at,
        status="ACTIVE",
        **msgspec.structs.asdict(body),
    )
    await call.store.users.add(call.client_id, user)
    return user


@operation("GET", "/users", tag="Users", scope=Scope.USERS_READ, summary="List users")
async def list_users(call: Call, query: ListQuery) -> ResourceList[UserResource]:
    """The client's own users."""
    return resource_list(query.page, await call.store.users.list(call.client_id, query.page))


@operation(
    "GET",
    "/users/{user_id}",
    tag="Users",
    scope=Scope.USERS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a user",
)
async def get_user(call: Call, user_id: UUID) -> UserResource:
    """One user."""
    return await call.store.users.get(call.client_id, user_id)


@operation(
    "DELETE",
    "/users/{user_id}",
    tag="Users",
    scope=Scope.USERS_ADMIN,
    success=202,
    problems=(problem_types.NOT_FOUND,),
    summary="Offboard a user",
)
async def delete_user(call: Call, user_id: UUID) -> Accepted:
    """The user is OFFBOARDED, or OFFBOARDING while there is an account that is not closed; nothing new is opened."""
    await call.store.users.offboard(call.client_id, user_id, call.now)
    return Accepted(user_id)


OPERATIONS = (create_user, list_users, get_user, delete_user)
