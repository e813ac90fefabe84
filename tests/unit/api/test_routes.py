"""The declared operations: what each demands of its caller, and that nothing is forgotten."""

from collections import Counter

import pytest

from orderlane.api import problem_types
from orderlane.api.operations import Access, Operation
from orderlane.api.routes import OPERATIONS
from orderlane.api.scopes import ALL_SCOPES, with_implied

ANYBODY = {
    "POST /auth/token",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/style.css",
    "GET /docs/search.js",
    "GET /errors",
    "GET /errors/{code}",
}
SCOPES = {
    "GET /users": "users:read",
    "POST /users": "users:admin",
    "GET /users/{user_id}": "users:read",
    "DELETE /users/{user_id}": "users:admin",
    "GET /users/{user_id}/accounts": "accounts:read",
    "GET /users/{user_id}/account_groups": "accounts:read",
    "GET /account_groups": "accounts:read",
    "POST /account_groups": "accounts:admin",
    "GET /account_groups/{account_group_id}": "accounts:read",
    "GET /account_groups/{account_group_id}/payments/cash_balance": "payments:read",
    "GET /accounts": "accounts:read",
    "POST /accounts": "accounts:admin",
    "GET /accounts/{account_id}": "accounts:read",
    "POST /accounts/{account_id}/deposits": "payments:admin",
    "GET /accounts/{account_id}/orders": "orders:read",
    "GET /accounts/{account_id}/positions": "positions:read",
    "GET /accounts/{account_id}/positions/{isin}": "positions:read",
    "GET /accounts/{account_id}/valuations/current": "valuations:read",
    "GET /instruments": "instruments:read",
    "GET /instruments/{instrument_id}": "instruments:read",
    "GET /portfolios/allocations": "portfolios:read",
    "POST /portfolios/allocations": "portfolios:admin",
    "GET /portfolios/allocations/{allocation_id}": "portfolios:read",
    "PUT /portfolios/allocations/{allocation_id}": "portfolios:admin",
    "GET /portfolios/allocations/{allocation_id}/accounts": "portfolios:read",
    "GET /portfolios/configurations": "portfolios:read",
    "POST /portfolios/configurations": "portfolios:admin",
    "GET /portfolios/configurations/{account_id}": "portfolios:read",
    "PATCH /portfolios/configurations/{account_id}": "portfolios:admin",
    "DELETE /portfolios/configurations/{account_id}": "portfolios:admin",
    "GET /portfolios/orders": "portfolios:read",
    "POST /portfolios/orders": "portfolios:admin",
    "GET /portfolios/orders/{portfolio_order_id}": "portfolios:read",
    "GET /portfolios/orders/{portfolio_order_id}/events": "portfolios:read",
    "GET /orders/{order_id}": "orders:read",
    "GET /orders/{order_id}/executions/{execution_id}": "orders:read",
    "GET /auth/verify_keys": "webhooks:read",
    "GET /webhooks": "webhooks:read",
    "POST /webhooks": "webhooks:admin",
    "GET /webhooks/{webhook_id}": "webhooks:read",
    "PATCH /webhooks/{webhook_id}": "webhooks:admin",
    "DELETE /webhooks/{webhook_id}": "webhooks:admin",
    "GET /webhooks/{webhook_id}/deliveries": "webhooks:read",
    "POST /webhooks/{webhook_id}/test": "webhooks:admin",
    "GET /webhooks/{webhook_id}/test": "webhooks:admin",
}
WITH_IDEMPOTENCY_KEY = {
    "POST /users",
    "POST /account_groups",
    "POST /accounts",
    "POST /accounts/{account_id}/deposits",
    "POST /portfolios/allocations",
    "POST /portfolios/configurations",
    "PATCH /portfolios/configurations/{account_id}",
    "POST /portfolios/orders",
}


def route(one: Operation) -> str:
    return f"{one.method} {one.path}"


def test_every_route_demands_the_scope_that_the_contract_gives_it() -> None:
    demanded = {route(one): str(one.scope) for one in OPERATIONS if one.access is Access.TOKEN}

    assert demanded == SCOPES


def test_only_these_are_open_to_anybody() -> None:
    assert {route(one) for one in OPERATIONS if one.access is Access.ANYBODY} == ANYBODY


def test_exactly_these_demand_an_idempotency_key() -> None:
    assert {route(one) for one in OPERATIONS if one.idempotent} == WITH_IDEMPOTENCY_KEY


def test_every_scope_that_is_demanded_can_be_given() -> None:
    assert set(SCOPES.values()) <= with_implied(ALL_SCOPES)


@pytest.mark.parametrize("name", ["id", "route"])
def test_no_route_is_declared_twice(name: str) -> None:
    named = Counter(one.id if name == "id" else route(one) for one in OPERATIONS)

    assert [key for key, count in named.items() if count > 1] == []


@pytest.mark.parametrize("one", OPERATIONS, ids=route)
def test_the_path_and_the_function_have_the_same_parameters(one: Operation) -> None:
    in_path = {part.strip("{}") for part in one.path.split("/") if part.startswith("{")}

    assert one.parameters.keys() == in_path


@pytest.mark.parametrize("one", [one for one in OPERATIONS if "_id}" in one.path], ids=route)
def test_what_names_a_resource_may_not_find_it(one: Operation) -> None:
    assert problem_types.NOT_FOUND in one.problems


def test_what_may_answer_with_very_much_is_a_list() -> None:
    several = [one for one in OPERATIONS if one.summary.startswith("List")]
    valuation = [one for one in OPERATIONS if one.id == "get_valuation"]

    assert [one for one in OPERATIONS if one.is_list] == [one for one in OPERATIONS if one in [*several, *valuation]]
    assert len(several) > 10


def test_admin_includes_read() -> None:
    assert with_implied(["users:admin", "orders:read"]) == {"users:admin", "users:read", "orders:read"}
