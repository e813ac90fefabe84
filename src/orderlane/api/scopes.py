"""Scopes: what a token allows. Every operation names the one that it needs; `X:admin` includes `X:read`."""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """A scope."""

    USERS_READ = "users:read"
    USERS_ADMIN = "users:admin"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_ADMIN = "accounts:admin"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_ADMIN = "payments:admin"
    POSITIONS_READ = "positions:read"
    VALUATIONS_READ = "valuations:read"
    INSTRUMENTS_READ = "instruments:read"
    PORTFOLIOS_READ = "portfolios:read"
    PORTFOLIOS_ADMIN = "portfolios:admin"
    ORDERS_READ = "orders:read"
    ORDERS_ADMIN = "orders:admin"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_ADMIN = "webhooks:admin"


ALL_SCOPES: frozenset[str] = frozenset(Scope)


def with_implied(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes with those that they include."""
    named = frozenset(scopes)
    return named | {f"{scope.removesuffix(':admin')}:read" for scope in named if scope.endswith(":admin")}
