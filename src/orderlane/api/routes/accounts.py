"""Accounts of a client's users, and the cash that comes in for them."""

from decimal import Decimal

from msgspec import convert

from orderlane.api import problem_types
from orderlane.api.lists import ListQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.domain.amounts import check_amount, check_balance
from orderlane.domain.ids import deposit_id
from orderlane.domain.onboarding import AccountFacts, AccountOpening, new_account, new_deposit
from orderlane.resources.accounts import AccountRequest, AccountResource, DepositRequest, account_resource
from orderlane.resources.formats import CURRENCIES
from orderlane.resources.requests import AccountGroupIdText, AccountIdText, UserIdText
from orderlane.resources.users import Accepted


class AccountsQuery(ListQuery, frozen=True, kw_only=True):
    """Which accounts to list."""

    user_id: UserIdText | None = None
    account_group_id: AccountGroupIdText | None = None


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
    opening = convert(body, AccountOpening, from_attributes=True)
    account = new_account(opening, await _account_facts(call, opening), call.new_id())
    await call.store.accounts.add(account)
    return account_resource(account)


@operation("GET", "/accounts", tag="Accounts", scope=Scope.ACCOUNTS_READ, summary="List accounts")
async def list_accounts(call: Call, query: AccountsQuery) -> ResourceList[AccountResource]:
    """The accounts of the client's users."""
    listing = await call.store.accounts.list(call.client_id, query.page, query.user_id, query.account_group_id)
    return await resource_list(call.slices, query.page, listing, account_resource)


@operation(
    "GET",
    "/users/{user_id}/accounts",
    tag="Accounts",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="List a user's accounts",
)
async def list_user_accounts(call: Call, user_id: UserIdText, query: ListQuery) -> ResourceList[AccountResource]:
    """The accounts of one user."""
    await call.store.users.get(call.client_id, user_id)
    listing = await call.store.accounts.list(call.client_id, query.page, user_id)
    return await resource_list(call.slices, query.page, listing, account_resource)


@operation(
    "GET",
    "/accounts/{account_id}",
    tag="Accounts",
    scope=Scope.ACCOUNTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an account",
)
async def get_account(call: Call, account_id: AccountIdText) -> AccountResource:
    """One account."""
    return account_resource(await call.store.accounts.get(call.client_id, account_id))


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
async def create_deposit(call: Call, account_id: AccountIdText, body: DepositRequest) -> Accepted:
    """Tell of cash that came in, in the account's currency. It is booked soon after; the cash balance shows it.

    409 when the account would have more than 1000000000000000000 of its currency: what it has and what it would have.
    """
    amount = Decimal(body.amount)
    check_amount("amount", amount, body.currency, CURRENCIES.get(body.currency))
    account = await call.store.accounts.get(call.client_id, account_id)
    new_id = deposit_id(call.new_id(), call.business_now, account.id)
    deposit = new_deposit(account, amount, body.currency, new_id)
    balance = await call.store.holdings.balance(account.id, body.currency)
    check_balance(account.id, balance, amount, body.currency)
    await call.store.accounts.send(account.id, deposit, actor=call.actor, request_id=call.request_id)
    return Accepted(deposit.deposit_id)


async def _account_facts(call: Call, opening: AccountOpening) -> AccountFacts:
    """What a new account depends on; nobody changes it until the transaction ends."""
    store = call.store
    user_status = await store.users.lock(call.client_id, opening.user_id)
    group = await store.account_groups.lock(call.client_id, opening.account_group_id)
    return AccountFacts(
        user_status=user_status,
        group=group,
        last_number=0 if group is None else await store.accounts.last_number(group.id),
        currency=store.currency,
        now=call.business_now,
    )


OPERATIONS = (create_account, list_accounts, list_user_accounts, get_account, create_deposit)
