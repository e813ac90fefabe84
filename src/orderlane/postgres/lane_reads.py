"""Loading what a batch of messages needs, with a number of statements that does not depend on the batch."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from orderlane.domain.account import AssetType
from orderlane.domain.allocation import Allocation
from orderlane.domain.decision import AccountState
from orderlane.domain.instruments import Instrument
from orderlane.domain.messages import Deposit, PlacePortfolioOrder, ReceiveVenueReports, SettleExecutions
from orderlane.domain.portfolio_order import PortfolioOrder
from orderlane.ports.lanes import InboxMessage, LaneHead, Loaded
from orderlane.postgres.connection import Connection
from orderlane.postgres.lane_memory import LaneMemory
from orderlane.postgres.queries import queries
from orderlane.postgres.rows import (
    Row,
    account_from,
    allocation_from,
    holding_from,
    instrument_from,
    orders_from,
    portfolio_order_from,
    weight_from,
)

_SQL = queries("lane_store")

States = dict[UUID, AccountState]


async def load(connection: Connection, messages: Sequence[InboxMessage], memory: LaneMemory) -> Loaded:
    """The accounts of the messages with the portfolio orders that they concern, and the market.

    Only what `memory` does not have is read.
    """
    if not messages:
        return Loaded((), {}, {}, {}, {})
    heads = await connection.fetch(_SQL["heads"], list({one.lane for one in messages}))
    states = await _load_accounts(connection, {one.account_id for one in messages}, memory)
    await _load_portfolio_orders(connection, messages, states)
    placed = _placed(messages, states)
    allocations = await _load_allocations(connection, placed)
    return Loaded(
        messages,
        {row["lane"]: LaneHead(row["position"], row["last_event_at"]) for row in heads},
        states,
        await _load_instruments(connection, placed, allocations.values(), states),
        allocations,
    )


async def _load_accounts(connection: Connection, account_ids: Collection[UUID], memory: LaneMemory) -> States:
    recalled = {account_id: state for account_id in account_ids if (state := memory.recall(account_id))}
    states = {account_id: state.copy() for account_id, state in recalled.items()}
    missing = [account_id for account_id in account_ids if account_id not in states]
    if missing:
        accounts = await connection.fetch(_SQL["accounts"], missing)
        states |= {row["id"]: AccountState(account_from(row)) for row in accounts}
        for row in await connection.fetch(_SQL["holdings"], missing):
            states[row["account_id"]].holdings[row["asset"]] = holding_from(row)
    return states


async def _load_portfolio_orders(connection: Connection, messages: Sequence[InboxMessage], states: States) -> None:
    concerned = _concerned(messages, states)
    if not any(concerned):
        return
    rows = await connection.fetch(_SQL["portfolio_orders"], *concerned)
    ids = [row["id"] for row in rows]
    order_rows = await connection.fetch(_SQL["orders"], ids)
    orders = orders_from(order_rows, await connection.fetch(_SQL["executions"], ids) if order_rows else ())
    for row in rows:
        if state := states.get(row["account_id"]):
            legs = orders.get(row["id"], [])
            state.portfolio_orders[row["id"]] = portfolio_order_from(row, [one.id for one in legs])
            state.orders.update((one.id, one) for one in legs)


def _concerned(messages: Iterable[InboxMessage], states: States) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """The ids of portfolio orders, individual orders and executions that messages name and `states` do not have."""
    portfolio_orders: set[UUID] = set()
    orders: set[UUID] = set()
    executions: set[UUID] = set()
    for one in messages:
        known: Collection[UUID] = states[one.account_id].orders if one.account_id in states else ()
        match one.message:
            case PlacePortfolioOrder(portfolio_order_id):
                portfolio_orders.add(portfolio_order_id)
            case ReceiveVenueReports(reports):
                orders.update(report.order_id for report in reports if report.order_id not in known)
            case SettleExecutions(execution_ids):
                executions.update(execution_ids)
            case Deposit():
                pass
            case _:
                raise TypeError(f"nothing to load for {type(one.message).__name__}")
    return list(portfolio_orders), list(orders), list(executions)


def _placed(messages: Iterable[InboxMessage], states: States) -> list[PortfolioOrder]:
    """The portfolio orders that wait to be split."""
    found = (
        states[one.account_id].portfolio_orders.get(one.message.portfolio_order_id)
        for one in messages
        if isinstance(one.message, PlacePortfolioOrder) and one.account_id in states
    )
    return [one for one in found if one is not None]


async def _load_allocations(connection: Connection, placed: Sequence[PortfolioOrder]) -> dict[UUID, Allocation]:
    wanted = list({one.allocation_id for one in placed if one.allocation_id})
    if not wanted:
        return {}
    rows = await connection.fetch(_SQL["allocations"], wanted)
    by_id: dict[UUID, list[Row]] = {}
    for row in rows:
        by_id.setdefault(row["id"], []).append(row)
    return {
        allocation_id: allocation_from(entries[0], [weight_from(one) for one in entries])
        for allocation_id, entries in by_id.items()
    }


async def _load_instruments(
    connection: Connection, placed: Sequence[PortfolioOrder], allocations: Collection[Allocation], states: States
) -> dict[str, Instrument]:
    isins = {weight.isin for allocation in allocations for weight in allocation.weights}
    for account_id in {one.account_id for one in placed}:
        holdings = states[account_id].holdings.values()
        isins.update(one.asset for one in holdings if one.asset_type is AssetType.INSTRUMENT)
    if not isins:
        return {}
    rows = await connection.fetch(_SQL["instruments"], list(isins))
    return {row["isin"]: instrument_from(row) for row in rows}
