"""Accounts of a client's users, and the cash that comes in for them."""

from uuid import UUID

from orderlane.api import problem_types
from orderlane.api.amounts import positive_amount
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.ports.accounts import NewAccount, NewDeposit
from orderlane.resources.accounts import AccountRequest, AccountResource, DepositRequest
from orderlane.resources.users import Accepted


class AccountsQuery(ListQuery, frozen=True, kw_only=True):
    """Which accounts to list."""

    user_id: UUID | None = None
    account_group_id: UUID | None = None


@operation(
    "POST",
    "/accounts",
    tag="Accounts",
    scope=Scope.ACCOUNTS_ADMIN,
    idempotent=True,
    problems=(problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Create an account",
)
async def create_account(call: Call, body: AccountRequest) -> AccountResource:
    """The account is ACTIVE at once, in the currency of the installation. Portfolio orders need type PORTFOLIO."""
    new = NewAccount(
        call.new_id(), body.user_id, body.account_group_id, body.type, body.name, body.distribution, call.now
    )
    return await call.store.accounts.add(call.client_id, new)


@operation("GET", "/accounts", tag="Accounts", scope=Scope.ACCOUNTS_READ, summary="List accounts")
async def list_accounts(call: Call, query: AccountsQuery) -> ResourceList[AccountResource]:
    """The accounts of the client's users."""
    listing = await call.store.accounts.list(call.client_id, query.page, query.user_id, query.account_group_id)
    return resource_list(query.page, listing)


@operation(
    "GET",
    "/users/{user_id}/accounts",
    tag="Accounts",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List a user's accounts",
)
async def list_user_accounts(call: Call, user_id: UUID, query: ListQuery) -> ResourceList[AccountResource]:
    """The accounts of one user."""
    await call.store.users.get(call.client_id, user_id)
    return resource_list(query.page, await call.store.accounts.list(call.client_id, query.page, user_id))


@operation(
    "GET",
    "/accounts/{account_id}",
    tag="Accounts",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an account",
)
async def get_account(call: Call, account_id: UUID) -> AccountResource:
    """One account."""
    return await call.store.accounts.get(call.client_id, account_id)


@operation(
    "POST",
    "/accounts/{account_id}/deposits",
    tag="Accounts",
    scope=Scope.PAYMENTS_ADMIN,
    idempotent=True,
    success=202,
    problems=(problem_types.NOT_FOUND, problem_types.INVALID_VALUE, problem_types.CONFLICT),
    summary="Deposit cash",
)
async def create_deposit(call: Call, account_id: UUID, body: DepositRequest) -> Accepted:
    """Tell of cash that came in, in the account's currency. It is booked soon after; the cash balance shows it."""
    amount = positive_amount("amount", body.amount, body.currency)
    new = NewDeposit(call.new_id(), account_id, amount, body.currency)
    await call.store.accounts.deposit(call.client_id, new)
    return Accepted(new.id)


OPERATIONS = (create_account, list_accounts, list_user_accounts, get_account, create_deposit)
