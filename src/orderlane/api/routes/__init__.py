"""Every operation of the API: what is listed here is served, checked and documented."""

from orderlane.api.operations import Operation
from orderlane.api.routes import (
    account_groups,
    accounts,
    allocations,
    auth,
    configurations,
    documentation,
    health,
    holdings,
    instruments,
    orders,
    portfolio_orders,
    users,
    webhooks,
)

OPERATIONS: tuple[Operation, ...] = (
    *auth.OPERATIONS,
    *users.OPERATIONS,
    *account_groups.OPERATIONS,
    *accounts.OPERATIONS,
    *holdings.OPERATIONS,
    *instruments.OPERATIONS,
    *allocations.OPERATIONS,
    *configurations.OPERATIONS,
    *portfolio_orders.OPERATIONS,
    *orders.OPERATIONS,
    *webhooks.OPERATIONS,
    *health.OPERATIONS,
    *documentation.OPERATIONS,
)
