"""The auditor: reads the whole database of a system at rest, and what its subscriber got, and believes nothing else.

It recomputes every balance and retells every story with SQL of its own; none of the service's code runs here.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence

import asyncpg
import msgspec
import zstandard

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

COUNTS_THAT_ARE_WRONG = """
SELECT parent_orders.id
FROM parent_orders LEFT JOIN orders ON orders.lane = parent_orders.lane AND orders.parent_id = parent_orders.id
GROUP BY parent_orders.lane, parent_orders.id
HAVING (legs_new, legs_processing, legs_filled, legs_cancelled) IS DISTINCT FROM (
    count(*) FILTER (WHERE orders.status = 'NEW'), count(*) FILTER (WHERE orders.status = 'PROCESSING'),
    count(*) FILTER (WHERE orders.status = 'FILLED'), count(*) FILTER (WHERE orders.status = 'CANCELLED')
)
"""

GAPS_IN_LANES = """
SELECT lanes.lane, lanes.position, count(events.position), max(events.position)
FROM lanes LEFT JOIN events USING (lane)
GROUP BY lanes.lane, lanes.position
HAVING lanes.position <> count(events.position) OR lanes.position <> coalesce(max(events.position), 0)
"""

GAPS_IN_SEQUENCES = """
SELECT parent_orders.id, parent_orders.sequence, count(event_log.sequence), max(event_log.sequence)
FROM parent_orders LEFT JOIN event_log ON event_log.parent_id = parent_orders.id
GROUP BY parent_orders.id, parent_orders.sequence
HAVING parent_orders.sequence <> count(DISTINCT event_log.sequence)
    OR parent_orders.sequence <> count(event_log.sequence) OR parent_orders.sequence <> max(event_log.sequence)
"""

SEQUENCE_AGAINST_POSITION = """
SELECT parent_id FROM (
    SELECT parent_id, sequence, row_number() OVER (PARTITION BY parent_id ORDER BY position, frame) AS number
    FROM event_log WHERE sequence IS NOT NULL
) AS numbered
WHERE sequence <> number
"""

DOUBLED_EXECUTIONS = """
SELECT venue_id, venue_execution_id FROM executions GROUP BY venue_id, venue_execution_id HAVING count(*) > 1
"""

AMOUNTS_THAT_DO_NOT_ADD_UP = """
SELECT parent_orders.id, parent_orders.cash_amount, sum(orders.cash_amount)
FROM parent_orders JOIN orders ON orders.parent_id = parent_orders.id
WHERE parent_orders.type = 'BUY'
GROUP BY parent_orders.id, parent_orders.cash_amount
HAVING sum(orders.cash_amount) <> parent_orders.cash_amount
"""

LANES_THAT_ARE_NOT_THEIR_IDS = """
WITH named (lane, id) AS (
    SELECT lane, id FROM accounts UNION ALL SELECT lane, id FROM parent_orders UNION ALL SELECT lane, id FROM orders
    UNION ALL SELECT lane, id FROM executions UNION ALL SELECT lane, id FROM event_log
)
SELECT named.* FROM named CROSS JOIN installation
WHERE lane <> ((get_byte(uuid_send(id), 14) & 3) << 8 | get_byte(uuid_send(id), 15)) % lane_count
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
    "parent orders with wrong counts of legs": COUNTS_THAT_ARE_WRONG,
    "rows that are not in the lane of their id": LANES_THAT_ARE_NOT_THEIR_IDS,
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


async def audit(dsn: str, accepted: Collection[str], received: Sequence[ReceivedEvent] | None = None) -> None:
    """Assert that every accepted portfolio order is FILLED, and that everything agrees with everything."""
    await at_rest(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await audit_database(connection, accepted)
        if received is not None:
            await audit_received(connection, accepted, received)
    finally:
        await connection.close()


async def audit_database(connection: asyncpg.Connection, accepted: Collection[str]) -> None:
    for what, statement in MUST_BE_EMPTY.items():
        rows = await connection.fetch(statement)
        assert not rows, f"{what}: {rows}"
    left_over = await connection.fetchrow(LEFT_OVER)
    assert tuple(left_over) == (0, 0, 0), dict(left_over)
    statuses = await connection.fetch("SELECT id, status FROM parent_orders")
    by_id = {str(row["id"]): row["status"] for row in statuses}
    placed = {str(order_id) for order_id in accepted}
    unfilled = {order_id: by_id.get(order_id, "lost") for order_id in placed if by_id.get(order_id) != "FILLED"}
    assert not unfilled, f"accepted and not FILLED: {unfilled}"
    assert by_id.keys() == placed, "what was not accepted does not exist"
    await audit_payloads(connection)


async def audit_payloads(connection: asyncpg.Connection) -> None:
    """Every payload says what the plain columns beside it say."""
    plain = await connection.fetch("SELECT id, type, sequence, parent_id, epoch, lane, position, frame FROM event_log")
    frozen = await frozen_events(connection)
    assert len(plain) == len(frozen)
    for row in plain:
        told = msgspec.json.decode(frozen[str(row["id"])])
        columns = (row["type"], row["sequence"], row["parent_id"] and str(row["parent_id"]), row["epoch"])
        assert (told["type"], told["sequence"], told["portfolio_order_id"], told["epoch"]) == columns


async def frozen_events(connection: asyncpg.Connection) -> dict[str, bytes]:
    """The frozen JSON of every event by its id, decompressed here."""
    frozen: dict[str, bytes] = {}
    for row in await connection.fetch("SELECT ids, payload, payload_bytes FROM events"):
        payload = zstandard.ZstdDecompressor().decompress(row["payload"], max_output_size=row["payload_bytes"])
        frames = payload.split(b"\n")
        assert len(frames) == len(row["ids"])
        frozen |= zip(map(str, row["ids"]), frames, strict=True)
    return frozen


async def audit_received(
    connection: asyncpg.Connection, accepted: Collection[str], received: Sequence[ReceivedEvent]
) -> None:
    """Every event of both topics came, first in its order, with the very bytes of its transition."""
    frozen = await frozen_events(connection)
    counts = await connection.fetch("SELECT parent_id, count(sequence) AS events FROM event_log GROUP BY parent_id")
    expected = {str(row["parent_id"]): row["events"] for row in counts}
    stories: defaultdict[str, list[int | None]] = defaultdict(list)
    for each in received:
        stories[str(each.event.portfolio_order_id)].append(each.event.sequence)
        unaddressed = msgspec.structs.replace(each.event, webhook_id=None)
        stored_event = msgspec.json.decode(frozen[str(each.event.id)], type=WebhookEvent)
        assert unaddressed == stored_event, f"{unaddressed} is not what was frozen: {stored_event}"
    for order_id in map(str, accepted):
        assert stories[order_id] == list(range(1, expected[order_id] + 1)), (
            f"{order_id} was told as {stories[order_id]}"
        )
