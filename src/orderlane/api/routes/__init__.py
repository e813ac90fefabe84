"""Every operation of the API: what is listed here is served, checked and documented."""

from orderlane.api.operations import Operation
from orderlane.api.routes import account_groups, auth, users

OPERATIONS: tuple[Operation, ...] = (
    *auth.OPERATIONS,
    *users.OPERATIONS,
    *account_groups.OPERATIONS,
)
