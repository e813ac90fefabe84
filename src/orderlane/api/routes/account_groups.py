"""Account groups: the accounts of a user, held together."""

from uuid import UUID

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.resources.account_groups import AccountGroupRequest, AccountGroupResource
from orderlane.resources.formats import write_time
from orderlane.resources.users import UserReference


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
    created_at = write_time(call.now)
    group = AccountGroupResource(
        id=call.new_id(),
        created_at=created_at,
        updated_at=created_at,
        type=body.type,
        status="ACTIVE",
        securities_account_number="",
        users=[UserReference(body.user_id)],
    )
    return await call.store.account_groups.add(call.client_id, group)


@operation("GET", "/account_groups", tag="Account groups", scope=Scope.ACCOUNTS_READ, summary="List account groups")
async def list_account_groups(call: Call, query: ListQuery) -> ResourceList[AccountGroupResource]:
    """The client's own account groups."""
    return resource_list(query.page, await call.store.account_groups.list(call.client_id, query.page))


@operation(
    "GET",
    "/users/{user_id}/account_groups",
    tag="Account groups",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List a user's account groups",
)
async def list_user_account_groups(call: Call, user_id: UUID, query: ListQuery) -> ResourceList[AccountGroupResource]:
    """The account groups of one user."""
    await call.store.users.get(call.client_id, user_id)
    listing = await call.store.account_groups.list(call.client_id, query.page, user_id)
    return resource_list(query.page, listing)


@operation(
    "GET",
    "/account_groups/{account_group_id}",
    tag="Account groups",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an account group",
)
async def get_account_group(call: Call, account_group_id: UUID) -> AccountGroupResource:
    """One account group."""
    return await call.store.account_groups.get(call.client_id, account_group_id)


OPERATIONS = (create_account_group, list_account_groups, list_user_account_groups, get_account_group)
