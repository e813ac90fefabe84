"""The queries of the API that read large tables."""

from typing import Any

from tests.database.plans.cases import DAY, MONTH, Case, case, of_account, of_client

FILTERED = "A client's list is filtered while it is read in its order: what is rare is far apart."


def portfolio_orders(
    what: str, position: int, *wanted: Any, page_max: int | None = None, reason: str = FILTERED
) -> Case:
    """A page of a client's portfolio orders with a filter: `wanted` from one of its positions on."""
    filters = [None] * 6
    filters[position : position + len(wanted)] = wanted
    return of_client("orders.list_portfolio_orders", *filters, what=what, page_max=page_max, reason=reason)


ACCOUNTS = (
    case("accounts.last_number", "lane", "group_id"),
    case("accounts.has_open_account", ["lane"], ["group_id"]),
    case("accounts.get_account", "lane", "account_id", "client_id"),
    of_client("accounts.list_accounts", None, None),
    of_client(
        "accounts.list_accounts",
        None,
        None,
        order="updated_at ASC, id ASC",
        what="by another column",
        page_max=None,
        reason="No index has this order: a client's accounts are sorted.",
    ),
    of_client("accounts.list_accounts", "user_id", None, what="of a user"),
    of_client("accounts.list_accounts", None, "group_id", what="of a group"),
    of_client("allocations.list_allocation_accounts", "allocation_id"),
    case("configurations.change_configuration", "lane", "account_id", "allocation_id", DAY[0]),
    case("configurations.remove_configuration", "lane", "account_id", "client_id"),
    case("configurations.get_configuration", "lane", "account_id", "client_id"),
    case("configurations.get_configuration_to_change", "lane", "account_id", "client_id"),
    of_client("configurations.list_configurations"),
    of_client("configurations.list_configurations_of_allocation", "allocation_id"),
    case("holdings.cash_of_group", "lane", "group_id", "client_id", "EUR"),
    case("holdings.owns_account", "lane", "account_id", "client_id"),
    of_account("holdings.list_positions", "lane", "account_id", order="isin ASC, id ASC"),
    case("holdings.priced_positions", "lane", "account_id"),
    case("holdings.balance", "lane", "account_id", "EUR"),
    case("holdings.get_position", "lane", "account_id", "client_id", "isin"),
)

USERS = (
    case("users.get_user", "client_id", "user_id"),
    case("users.get_user_to_change", "client_id", "user_id"),
    case("users.lock_user", "client_id", "user_id"),
    case("users.change_user", "user_id", "ACTIVE", DAY[0]),
    of_client("users.list_users"),
    case("users.get_account_group", "client_id", "group_id"),
    case("users.lock_account_group", "client_id", "group_id"),
    case("users.group_ids_of_user", "user_id"),
    of_client("users.list_account_groups", None),
    of_client("users.list_account_groups", "user_id", what="of a user"),
)

ORDERS = (
    case("acceptance.look_up_requests", ["client_id"], ["parent_id"], ["lane"], ["account_id"], ["user_id"]),
    case("acceptance.kept_answers", ["client_id"], ["parent_id"]),
    case("idempotency.kept_answer", "client_id", "parent_id"),
    case("idempotency.keep_answer", "client_id", "parent_id", 202, b"{}"),
    case("orders.get_parent_order", "lane", "parent_id", "client_id"),
    of_client("orders.list_portfolio_orders", *[None] * 6),
    of_client("orders.list_portfolio_orders", *[None] * 6, order="created_at ASC, id ASC", what="from the first on"),
    of_client("orders.list_portfolio_orders", None, *DAY, None, None, None, what="of a day"),
    of_client("orders.list_portfolio_orders", None, *MONTH, None, None, None, what="of a month"),
    portfolio_orders("of an allocation", 0, "allocation_id"),
    portfolio_orders("of a common status", 3, "SETTLED"),
    portfolio_orders("of a rare status", 3, "CANCELLED"),
    portfolio_orders("of a type", 4, "REBALANCING"),
    portfolio_orders("of a reference", 5, "client_reference"),
    of_account("orders.list_portfolio_orders_of_account", *[None] * 6, "lane", "account_id"),
    of_account(
        "orders.list_portfolio_orders_of_account",
        "allocation_id",
        *MONTH,
        "SETTLED",
        "BUY",
        "client_reference",
        "lane",
        "account_id",
        what="with every filter",
    ),
    case("orders.count_events", "lane", "parent_id", "client_id"),
    case("orders.segments_of_parent", "lane", "parent_id", 0, 100, "parent_created_at", order="counted.position ASC"),
    of_account("orders.list_account_orders", "lane", "account_id"),
    of_account("orders.list_account_orders", "lane", "account_id", order="id ASC, id ASC", what="by id"),
    of_account("orders.list_account_orders_by_change", "lane", "account_id", order="updated_at DESC, id DESC"),
    case("orders.owns_account", "lane", "account_id", "client_id"),
)

WEBHOOKS = (
    case(
        "webhooks.delete_subscription",
        "client_id",
        "subscription_id",
        rows_max=None,
        reason="The attempts of the subscription are deleted with it.",
    ),
    of_client("webhooks.list_attempts", "subscription_id", order="sent_at DESC, id DESC"),
)

API_CASES = (*ACCOUNTS, *USERS, *ORDERS, *WEBHOOKS)
