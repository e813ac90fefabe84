"""Every query that reads a large table reads it by index, and not more of it than it has to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

import asyncpg
import pglast
import pytest
from _pytest.mark import ParameterSet
from pglast import ast

from orderlane.postgres.connection import connect
from orderlane.postgres.epochs import ensure_epoch
from orderlane.postgres.migrate import NewInstallation, migrate
from orderlane.postgres.queries import queries
from orderlane.postgres.venues import register_venues
from orderlane.sources import system_sources
from tests.conftest import administer, dsn_of
from tests.database.plans.api_cases import API_CASES
from tests.database.plans.cases import PAGES_PER_ROW, ROWS_MAX, Case, Sample
from tests.database.plans.explaining import LARGE_TABLES, Plan, explain
from tests.database.plans.filling import LANE_COUNT, fill, statements
from tests.database.plans.work_cases import WORK_CASES

CASES = (*API_CASES, *WORK_CASES)

SIZES = [
    pytest.param(20_000, id="20,000"),
    pytest.param(1_000_000, id="1,000,000", marks=pytest.mark.thorough),
]
LARGE_VIEWS = {"event_log", "executions", "journal_entries", "orders"}


class LargeDatabase(NamedTuple):
    """A database with many parent orders, and a sample of what is in it."""

    dsn: str
    sample: Sample


@pytest.fixture(scope="module", params=SIZES)
def large(request: pytest.FixtureRequest, server_dsn: str) -> Iterator[LargeDatabase]:
    """A large database for all tests of this module."""
    name = f"plans_{request.param}"
    asyncio.run(administer(server_dsn, f"CREATE DATABASE {name}"))
    try:
        yield asyncio.run(make_large(dsn_of(server_dsn, name), request.param))
    finally:
        asyncio.run(administer(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


async def make_large(dsn: str, parents: int) -> LargeDatabase:
    async with session(dsn, statement_seconds_max=None) as connection:
        now = datetime(2025, 1, 1, tzinfo=UTC)
        await migrate(connection, NewInstallation(lane_count=LANE_COUNT), now)
        await register_venues(connection, ["SIMULATED"], system_sources().ids.new_id, now)
        await ensure_epoch(connection)
        await fill(connection, parents)
        return LargeDatabase(dsn, Sample(await connection.fetchrow(statements("support.sql")["sample"])))


@asynccontextmanager
async def session(dsn: str, **settings: Any) -> AsyncIterator[asyncpg.Connection]:
    """A session as the service has them."""
    connection = await connect(dsn, "tests", **settings)
    try:
        yield connection
    finally:
        await connection.close()


def named_queries() -> dict[str, str]:
    folder = files("orderlane.postgres") / "queries"
    stems = sorted(path.name.removesuffix(".sql") for path in folder.iterdir() if path.name.endswith(".sql"))
    return {f"{stem}.{name}": sql for stem in stems for name, sql in queries(stem).items()}


def tables_read(node: object) -> set[str]:
    """The tables that a statement reads: not those into which it only inserts."""
    match node:
        case ast.RangeVar():
            return {node.relname}
        case ast.InsertStmt():
            return tables_read((node.selectStmt, node.withClause))
        case ast.Node():
            return tables_read(tuple(getattr(node, field) for field in node))
        case tuple():
            return set().union(*(tables_read(item) for item in node))
        case _:
            return set()


def reads_large_table(sql: str) -> bool:
    statement = pglast.parse_sql(sql.replace("{order}", "id"))[0].stmt
    return bool(tables_read(statement) & (LARGE_TABLES | LARGE_VIEWS))


def planned_cases() -> Iterator[ParameterSet]:
    """Each case with plans made for its parameters, and with a plan made for any.

    No plan made for any parameters reads a list with optional filters well: there, PostgreSQL has to see that itself.
    """
    for case in CASES:
        is_optional = " IS NULL OR " in named_queries()[case.query]
        for plan_cache_mode in ("force_custom_plan", "auto" if is_optional else "force_generic_plan"):
            yield pytest.param(case, plan_cache_mode, id=f"{case}-{plan_cache_mode}")


@pytest.mark.parametrize(("case", "plan_cache_mode"), list(planned_cases()))
async def test_a_query_reads_by_index_and_no_more_than_it_may(
    large: LargeDatabase, case: Case, plan_cache_mode: str
) -> None:
    async with session(large.dsn) as connection:
        sql = named_queries()[case.query].replace("{order}", case.order)
        plan = await explain(connection, sql, case.parameters(large.sample), plan_cache_mode)

    assert wrong(plan, case) == [], f"\n{plan.text}"


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT count(*) FROM journal WHERE request_id = 'unknown'", "Seq Scan of journal"),
        ("SELECT * FROM parent_orders WHERE status = 'SETTLED' AND cash_amount < 0", "Seq Scan of parent_orders"),
        ("SELECT * FROM events WHERE epoch < 0", "Seq Scan of events"),
        ("SELECT count(*) FROM holdings WHERE lane = ANY ('{0,1,2,3,4,5,6,7}')", "rows read"),
        (
            "SELECT * FROM accounts WHERE status = 'CLOSED' ORDER BY client_id, created_at LIMIT 1",
            "rows read for a page",
        ),
    ],
)
async def test_a_careless_query_is_found(large: LargeDatabase, sql: str, complaint: str) -> None:
    async with session(large.dsn) as connection:
        plan = await explain(connection, sql, [], "auto")

    assert any(complaint in found for found in wrong(plan, Case("planted", lambda _: []))), f"\n{plan.text}"


def wrong(plan: Plan, case: Case) -> list[str]:
    found = [f"{scan.kind} of {scan.table}" for scan in plan.scans if scan.kind == "Seq Scan" or scan.is_disabled]
    rows = sum(scan.rows for scan in plan.scans)
    page_rows = sum(scan.rows for scan in plan.scans if scan.is_limited)
    if case.rows_max is not None and rows > case.rows_max:
        found.append(f"{rows} rows read")
    if case.rows_max is not None and plan.pages > case.rows_max * PAGES_PER_ROW:
        found.append(f"{plan.pages} pages touched")
    if case.page_max is not None and page_rows > case.page_max:
        found.append(f"{page_rows} rows read for a page")
    return found


def test_every_query_that_reads_a_large_table_has_a_case() -> None:
    reading = {name for name, sql in named_queries().items() if reads_large_table(sql)}

    assert {case.query for case in CASES} == reading


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_that_may_read_more_says_why(case: Case) -> None:
    assert bool(case.reason) == ((case.rows_max, case.page_max) != (ROWS_MAX, ROWS_MAX))
