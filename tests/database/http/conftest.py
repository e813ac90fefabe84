"""These tests share one database: each has a client of its own, and clients do not see each other."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.conftest import TEMPLATE, administer, dsn_of


@pytest.fixture(scope="session")
def shared_dsn(server_dsn: str) -> Iterator[str]:
    """A migrated database for all of them."""
    asyncio.run(administer(server_dsn, f"CREATE DATABASE shared TEMPLATE {TEMPLATE}"))
    yield dsn_of(server_dsn, "shared")
    asyncio.run(administer(server_dsn, "DROP DATABASE shared WITH (FORCE)"))


@pytest.fixture
def dsn(shared_dsn: str) -> str:
    """The database that they share."""
    return shared_dsn
