"""Whether everything arrived, once and in order; and whether the database agrees with itself."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.database import MeasuredDatabase
from benchmarks.sink import Arrival

FIRST = "PORTFOLIO_ORDER.NEW"
LAST = "PORTFOLIO_ORDER.FILLED"
AGREEMENTS = {
    "a portfolio order is not filled": "SELECT count(*) FROM parent_orders WHERE status <> 'FILLED'",
    "an individual order is not filled": "SELECT count(*) FROM orders WHERE status <> 'FILLED'",
    "individual orders do not add up to their portfolio order": (
        "SELECT count(*) FROM parent_orders AS p WHERE cash_amount <> "
        "(SELECT sum(cash_amount) FROM orders AS o WHERE o.lane = p.lane AND o.parent_id = p.id)"
    ),
    "executions do not add up to their portfolio order": (
        "SELECT count(*) FROM parent_orders AS p JOIN (SELECT parent_id, sum(cash_amount) AS cash_amount "
        "FROM executions GROUP BY parent_id) AS traded ON traded.parent_id = p.id "
        "WHERE traded.cash_amount <> p.cash_amount"
    ),
    "a holding is not the sum of its journal": (
        "SELECT count(*) FROM holdings AS h JOIN (SELECT account_id, asset, sum(quantity) AS quantity, "
        "sum(locked) AS locked, sum(pending) AS pending FROM journal_entries GROUP BY account_id, asset) AS j "
        "USING (account_id, asset) WHERE (h.quantity, h.locked, h.pending) <> (j.quantity, j.locked, j.pending)"
    ),
    "a holding is still locked": "SELECT count(*) FROM holdings WHERE locked <> 0",
    "a message is in quarantine": "SELECT count(*) FROM quarantine",
    "a message is left in the inbox": "SELECT count(*) FROM inbox",
    "an order is left in the outbox": "SELECT count(*) FROM venue_outbox",
}


def arrival_faults(arrivals: Sequence[Arrival], expected_ids: Mapping[str, str]) -> list[str]:
    """What is wrong with what arrived; `expected_ids` has the id of every event and its portfolio order's."""
    ids = [one.event.id for one in arrivals]
    unique = set(ids)
    lost, foreign = expected_ids.keys() - unique, unique - expected_ids.keys()
    counts = {"doubled": len(ids) - len(unique), "lost": len(lost), "unknown": len(foreign)}
    faults = [f"{count} events {what}" for what, count in counts.items() if count]
    by_portfolio_order: dict[str, list[Arrival]] = {}
    for one in arrivals:
        by_portfolio_order.setdefault(one.event.portfolio_order_id, []).append(one)
    disordered = sum(not is_in_order(one) for one in by_portfolio_order.values())
    missing = len(set(expected_ids.values()) - by_portfolio_order.keys())
    if disordered or missing:
        faults.append(f"{disordered} portfolio orders out of order, {missing} without any event")
    return faults


def is_in_order(arrivals: Iterable[Arrival]) -> bool:
    """Whether a portfolio order's events came as 1, 2, 3 … from its first state to its last."""
    counted = [one.event for one in arrivals if one.event.sequence is not None]
    in_sequence = [one.sequence for one in counted] == list(range(1, len(counted) + 1))
    return in_sequence and counted[0].type == FIRST and counted[-1].type == LAST


async def database_faults(database: MeasuredDatabase) -> list[str]:
    """What the database says that cannot be."""
    faults = []
    for fault, query in AGREEMENTS.items():
        count = await database.connection.fetchval(query)
        if count:
            faults.append(f"{fault} ({count} times)")
    return faults


async def expected_events(database: MeasuredDatabase, portfolio_order_ids: Sequence[str]) -> dict[str, str]:
    """The id of every event of these portfolio orders, with its portfolio order's."""
    rows = await database.connection.fetch(
        "SELECT unnest(ids) AS id, parent_id FROM events WHERE parent_id = ANY ($1::uuid[])", portfolio_order_ids
    )
    return {str(row["id"]): str(row["parent_id"]) for row in rows}
