"""How PostgreSQL reads: the plan of a statement with its counts, and what is wrong with it."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import asyncpg

LARGE_TABLES = frozenset({
    "account_groups", "accounts", "events", "holdings", "idempotency_records", "inbox", "journal", "parent_orders",
    "portfolio_configurations", "used_nonces", "users", "venue_outbox", "webhook_attempts",
})  # fmt: skip

DISABLED_COST = 1e10
"""What a node that the session does not want costs at least, before PostgreSQL 18 says so by itself."""


CUSTOM_PLANS = 5
"""How often a statement is planned with its parameters, before PostgreSQL chooses between that and a generic plan."""


class Expression(str):
    """A parameter that PostgreSQL computes."""

    __slots__ = ()


class Scan(NamedTuple):
    """One place of a plan that reads a large table: how, how many rows, and whether a LIMIT is above it."""

    table: str
    kind: str
    rows: int
    is_limited: bool
    is_disabled: bool


class Plan(NamedTuple):
    """A plan that was carried out, the places where it reads large tables, and how many pages it touched."""

    text: str
    scans: list[Scan]
    pages: int


async def explain(connection: asyncpg.Connection, sql: str, parameters: Sequence[Any], plan_cache_mode: str) -> Plan:
    """Carry a statement out and undo it; its plan."""
    await connection.execute(f"SET plan_cache_mode = {plan_cache_mode}")
    await connection.execute(f"PREPARE explained AS {sql}")
    try:
        return await _explained(connection, ", ".join(literal(parameter) for parameter in parameters))
    finally:
        await connection.execute("DEALLOCATE explained")


async def _explained(connection: asyncpg.Connection, arguments: str) -> Plan:
    call = f"explained ({arguments})" if arguments else "explained"
    for _ in range(CUSTOM_PLANS):
        await connection.execute(f"EXPLAIN EXECUTE {call}")
    transaction = connection.transaction()
    await transaction.start()
    try:
        answer = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE {call}")
    finally:
        await transaction.rollback()
    plan = json.loads(answer)[0]["Plan"]
    pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return Plan("\n".join(outline(plan)), list(scans(plan)), pages)


def outline(node: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """A plan in short lines, without what was not carried out."""
    if node["Actual Loops"]:
        names = [node[key] for key in ("Subplan Name", "Node Type", "Index Name", "Relation Name") if key in node]
        conditions = [f"{key}: {node[key]}" for key in ("Index Cond", "Filter") if key in node]
        counts = f"rows={rows_read(node)} loops={node['Actual Loops']}"
        yield " ".join([" " * depth, *names, counts, *conditions])[:250]
    for child in node.get("Plans", ()):
        yield from outline(child, depth + 1)


def scans(node: dict[str, Any], *, is_limited: bool = False) -> Iterator[Scan]:
    """Where a plan reads large tables, at this node and below it."""
    table = re.sub(r"^events_(default|[0-9_]+)$", "events", node.get("Relation Name", ""))
    if table in LARGE_TABLES and node["Node Type"] != "ModifyTable":
        is_disabled = node.get("Disabled", False) or node["Total Cost"] >= DISABLED_COST
        yield Scan(table, node["Node Type"], rows_read(node), is_limited, is_disabled)
    for child in node.get("Plans", ()):
        yield from scans(child, is_limited=is_limited or node["Node Type"] == "Limit")


def rows_read(node: dict[str, Any]) -> int:
    """How many rows a node read in all its loops, with those that it dropped."""
    dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows: float = node["Actual Rows"] + sum(node.get(name, 0) for name in dropped)
    return round(rows * node["Actual Loops"])


def literal(value: Any) -> str:
    """A value as an SQL literal."""
    match value:
        case None:
            return "NULL"
        case Expression():
            return value
        case bool() | int() | float():
            return str(value)
        case list() | tuple():
            return quoted("{" + ",".join(element(item) for item in value) + "}")
        case _:
            return quoted(text(value))


def element(value: Any) -> str:
    if value is None:
        return "NULL"
    return '"' + text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def text(value: Any) -> str:
    match value:
        case bytes():
            return f"\\x{value.hex()}"
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds()} seconds"
        case _:
            return str(value)
