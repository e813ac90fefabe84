"""Users: who invests."""

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.domain.ids import UserId
from orderlane.domain.onboarding import new_user, offboarded_user
from orderlane.resources.requests import UserIdText
from orderlane.resources.users import Accepted, UserRequest, UserResource, user_details, user_resource


@operation("POST", "/users", tag="Users", scope=Scope.USERS_ADMIN, idempotent=True, summary="Create a user")
async def create_user(call: Call, body: UserRequest) -> UserResource:
    """What onboarding tells is kept and given back as it came. The user is ACTIVE at once."""
    user = new_user(UserId(call.new_id()), call.client_id, user_details(body), call.business_now)
    await call.store.users.add(user)
    return user_resource(user)


@operation("GET", "/users", tag="Users", scope=Scope.USERS_READ, summary="List users")
async def list_users(call: Call, query: ListQuery) -> ResourceList[UserResource]:
    """The client's own users."""
    listing = await call.store.users.list(call.client_id, query.page)
    return await resource_list(call.slices, query.page, listing, user_resource)


@operation(
    "GET",
    "/users/{user_id}",
    tag="Users",
    scope=Scope.USERS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get a user",
)
async def get_user(call: Call, user_id: UserIdText) -> UserResource:
    """One user."""
    return user_resource(await call.store.users.get(call.client_id, user_id))


@operation(
    "DELETE",
    "/users/{user_id}",
    tag="Users",
    scope=Scope.USERS_ADMIN,
    success=202,
    problems=(problem_types.NOT_FOUND,),
    summary="Offboard a user",
)
async def delete_user(call: Call, user_id: UserIdText) -> Accepted:
    """The user is OFFBOARDED, or OFFBOARDING while there is an account that is not closed; nothing new is opened.

    Individual orders that are open run to their end. A portfolio order that is accepted and not split yet is cancelled
    with ACCOUNT_NOT_ACTIVE.
    """
    user = await call.store.users.get(call.client_id, user_id, to_change=True)
    group_ids = await call.store.account_groups.ids_of_user(user.id)
    has_open_accounts = await call.store.accounts.has_open(group_ids)
    await call.store.users.change(offboarded_user(user, has_open_accounts=has_open_accounts, now=call.business_now))
    return Accepted(user.id)


OPERATIONS = (create_user, list_users, get_user, delete_user)
