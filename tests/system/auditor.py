"""The auditor: reads the whole database of a system at rest, and what its subscriber got, and believes nothing else.

It recomputes every balance and retells every story with SQL of its own; none of the service's code runs here.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg
import msgspec

from orderlane_client import ReceivedEvent, WebhookEvent

REST_SECONDS_MAX = 30

ACCOUNTING = """
SELECT coalesce(held.account_id, summed.account_id) AS account_id, coalesce(held.asset, summed.asset) AS asset
FROM holdings AS held
FULL JOIN (
    SELECT account_id, asset, sum(quantity) AS quantity, sum(locked) AS locked, sum(pending) AS pending
    FROM journal_entries GROUP BY account_id, asset
) AS summed ON summed.account_id = held.account_id AND summed.asset = held.asset
WHERE (held.quantity, held.locked, held.pending) IS DISTINCT FROM (summed.quantity, summed.locked, summed.pending)
"""

BALANCES_BY_EXECUTIONS = """
WITH moved AS (
    SELECT account_id, currency AS asset, CASE side WHEN 'BUY' THEN -cash_amount ELSE cash_amount END AS quantity
    FROM executions
    UNION ALL
    SELECT account_id, isin, CASE side WHEN 'BUY' THEN share_quantity ELSE -share_quantity END FROM executions
    UNION ALL
    SELECT account_id, asset, quantity FROM journal_entries WHERE reason = 'DEPOSIT'
), expected AS (
    SELECT account_id, asset, sum(quantity) AS quantity FROM moved GROUP BY account_id, asset
)
SELECT * FROM expected FULL JOIN holdings USING (account_id, asset)
WHERE expected.quantity IS DISTINCT FROM holdings.quantity OR holdings.locked <> 0
"""

ORDERS_NOT_AS_EXECUTED = """
SELECT orders.id, orders.side, orders.cash_amount, orders.reported_quantity, traded.cash_amount, traded.quantity
FROM orders
LEFT JOIN (
    SELECT order_id, sum(cash_amount) AS cash_amount, sum(share_quantity) AS quantity FROM executions GROUP BY order_id
) AS traded ON traded.order_id = orders.id
WHERE orders.status = 'FILLED' AND (
    traded.quantity IS DISTINCT FROM orders.reported_quantity
    OR (orders.cash_amount > 0 AND traded.cash_amount IS DISTINCT FROM orders.cash_amount)
)
"""

GAPS_IN_LANES = """
SELECT lanes.lane, lanes.position, count(events.position), max(events.position)
FROM lanes LEFT JOIN events USING (lane)
GROUP BY lanes.lane, lanes.position
HAVING lanes.position <> count(events.position) OR lanes.position <> coalesce(max(events.position), 0)
"""

GAPS_IN_SEQUENCES = """
SELECT portfolio_orders.id, portfolio_orders.sequence, count(events.sequence), max(events.sequence)
FROM portfolio_orders LEFT JOIN events ON events.portfolio_order_id = portfolio_orders.id
GROUP BY portfolio_orders.id, portfolio_orders.sequence
HAVING portfolio_orders.sequence <> count(DISTINCT events.sequence)
    OR portfolio_orders.sequence <> count(events.sequence) OR portfolio_orders.sequence <> max(events.sequence)
"""

SEQUENCE_AGAINST_POSITION = """
SELECT portfolio_order_id FROM (
    SELECT portfolio_order_id, sequence,
        row_number() OVER (PARTITION BY portfolio_order_id ORDER BY position) AS number
    FROM events WHERE sequence IS NOT NULL
) AS numbered
WHERE sequence <> number
"""

DOUBLED_EXECUTIONS = """
SELECT venue_id, venue_execution_id FROM executions GROUP BY venue_id, venue_execution_id HAVING count(*) > 1
"""

AMOUNTS_THAT_DO_NOT_ADD_UP = """
SELECT portfolio_orders.id, portfolio_orders.cash_amount, sum(orders.cash_amount)
FROM portfolio_orders JOIN orders ON orders.portfolio_order_id = portfolio_orders.id
WHERE portfolio_orders.type = 'BUY'
GROUP BY portfolio_orders.id, portfolio_orders.cash_amount
HAVING sum(orders.cash_amount) <> portfolio_orders.cash_amount
"""

LEFT_OVER = """
SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM quarantine) AS quarantine,
    (SELECT count(*) FROM venue_outbox) AS venue_outbox
"""

MUST_BE_EMPTY = {
    "balances that are not the sum of their journal": ACCOUNTING,
    "balances that are not what was deposited and executed": BALANCES_BY_EXECUTIONS,
    "orders that are FILLED with something else than their executions": ORDERS_NOT_AS_EXECUTED,
    "lanes with gaps": GAPS_IN_LANES,
    "portfolio orders with gaps in their sequence": GAPS_IN_SEQUENCES,
    "portfolio orders whose sequence runs against their lane": SEQUENCE_AGAINST_POSITION,
    "executions that were booked twice": DOUBLED_EXECUTIONS,
    "portfolio orders that were not split to the cent": AMOUNTS_THAT_DO_NOT_ADD_UP,
}


async def at_rest(dsn: str) -> None:
    """Wait until nothing is on its way any more."""
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(REST_SECONDS_MAX):
            while any((left_over := await connection.fetchrow(LEFT_OVER)).values()):
                assert not left_over["quarantine"], await connection.fetch("SELECT * FROM quarantine")
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def audit(dsn: str, accepted: Collection[UUID], received: Sequence[ReceivedEvent] | None = None) -> None:
    """Assert that every accepted portfolio order is FILLED, and that everything agrees with everything."""
    await at_rest(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await audit_database(connection, accepted)
        if received is not None:
            await audit_received(connection, accepted, received)
    finally:
        await connection.close()


async def audit_database(connection: asyncpg.Connection, accepted: Collection[UUID]) -> None:
    for what, statement in MUST_BE_EMPTY.items():
        found = await connection.fetch(statement)
        assert not found, f"{what}: {found}"
    left_over = await connection.fetchrow(LEFT_OVER)
    assert tuple(left_over) == (0, 0, 0), dict(left_over)
    statuses = await connection.fetch("SELECT id, status FROM portfolio_orders")
    by_id = {row["id"]: row["status"] for row in statuses}
    unfilled = {str(one): by_id.get(one, "lost") for one in accepted if by_id.get(one) != "FILLED"}
    assert not unfilled, f"accepted and not FILLED: {unfilled}"
    assert by_id.keys() == set(accepted), "what was not accepted does not exist"


async def audit_received(
    connection: asyncpg.Connection, accepted: Collection[UUID], received: Sequence[ReceivedEvent]
) -> None:
    """Every event of both topics came, first in its order, with the very bytes of its transition."""
    stored = await connection.fetch("SELECT id, payload, portfolio_order_id, sequence FROM events")
    frozen = {row["id"]: row for row in stored}
    stories: defaultdict[UUID | None, list[int | None]] = defaultdict(list)
    for one in received:
        stories[one.event.portfolio_order_id].append(one.event.sequence)
        unaddressed = msgspec.structs.replace(one.event, webhook_id=None)
        stored_event = msgspec.json.decode(frozen[one.event.id]["payload"], type=WebhookEvent)
        assert unaddressed == stored_event, f"{unaddressed} is not what was frozen: {stored_event}"
    for portfolio_order_id in accepted:
        count = sum(row["portfolio_order_id"] == portfolio_order_id and row["sequence"] is not None for row in stored)
        story = stories[portfolio_order_id]
        assert story == list(range(1, count + 1)), f"{portfolio_order_id} was told as {story}"
