"""Account groups: the accounts of a user, held together."""

from msgspec import convert

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.domain.ids import AccountGroupId
from orderlane.domain.onboarding import GroupOpening, new_account_group
from orderlane.resources.account_groups import AccountGroupRequest, AccountGroupResource, account_group_resource
from orderlane.resources.requests import AccountGroupIdText, UserIdText


@operation(
    "POST",
    "/account_groups",
    tag="Account groups",
    scope=Scope.ACCOUNTS_ADMIN,
    idempotent=True,
    problems=(problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Create an account group",
)
async def create_account_group(call: Call, body: AccountGroupRequest) -> AccountGroupResource:
    """The user must be ACTIVE."""
    opening = convert(body, GroupOpening, from_attributes=True)
    user_status = await call.store.users.lock(call.client_id, opening.user_id)
    group_id = AccountGroupId(call.new_id())
    group = new_account_group(opening, user_status, group_id, call.client_id, call.business_now)
    return account_group_resource(await call.store.account_groups.add(group))


@operation("GET", "/account_groups", tag="Account groups", scope=Scope.ACCOUNTS_READ, summary="List account groups")
async def list_account_groups(call: Call, query: ListQuery) -> ResourceList[AccountGroupResource]:
    """The client's own account groups."""
    listing = await call.store.account_groups.list(call.client_id, query.page)
    return await resource_list(call.slices, query.page, listing, account_group_resource)


@operation(
    "GET",
    "/users/{user_id}/account_groups",
    tag="Account groups",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List a user's account groups",
)
async def list_user_account_groups(
    call: Call, user_id: UserIdText, query: ListQuery
) -> ResourceList[AccountGroupResource]:
    """The account groups of one user."""
    await call.store.users.get(call.client_id, user_id)
    listing = await call.store.account_groups.list(call.client_id, query.page, user_id)
    return await resource_list(call.slices, query.page, listing, account_group_resource)


@operation(
    "GET",
    "/account_groups/{account_group_id}",
    tag="Account groups",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an account group",
)
async def get_account_group(call: Call, account_group_id: AccountGroupIdText) -> AccountGroupResource:
    """One account group."""
    return account_group_resource(await call.store.account_groups.get(call.client_id, account_group_id))


OPERATIONS = (create_account_group, list_account_groups, list_user_account_groups, get_account_group)
