"""The proofs at the end of the demo: plain functions of what was received over webhooks and read over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orderlane.domain.money import add, subtract, total
from orderlane_client.resources import CashBalance, Order, PortfolioOrder, Position, WebhookEvent

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Proof:
    """One claim: whether it holds, and the figures that show it."""

    claim: str
    holds: bool
    figures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the proofs look at. Cash is in the account's currency, `deposit` is what it had at first."""

    events: Sequence[WebhookEvent]
    requests: int
    refused: int
    deposit: Decimal
    portfolio_order: PortfolioOrder
    orders: Sequence[Order]
    positions: Sequence[Position]
    cash: CashBalance


def proofs(evidence: Evidence) -> list[Proof]:
    """Every proof, in the order in which they are told."""
    return [
        _sequence(evidence),
        _guide(evidence),
        _signatures(evidence),
        _amounts(evidence),
        _positions(evidence),
        _cash(evidence),
        _state(evidence),
    ]


def _sequence(evidence: Evidence) -> Proof:
    received = [event.sequence for event in evidence.events]
    expected = list(range(1, len(received) + 1))
    return Proof("event sequence without a gap", received == expected, f"1..{len(received)}, in this order")


def _guide(evidence: Evidence) -> Proof:
    """The guide's sequence: NEW first, PROCESSING right before the first order's, FILLED last, three steps each."""
    types = [event.type for event in evidence.events]
    count = len(evidence.orders)
    holds = (
        types[:1] == ["PORTFOLIO_ORDER.NEW"]
        and evidence.events[0].object["orders"] == []
        and types[1 : 1 + count] == ["ORDER.NEW"] * count
        and types[1 + count : 3 + count] == ["PORTFOLIO_ORDER.PROCESSING", "ORDER.PROCESSING"]
        and types[-1] == "PORTFOLIO_ORDER.FILLED"
        and len(types) == 3 + 3 * count
        and all(_steps(evidence, order) == ["NEW", "PROCESSING", "FILLED"] for order in evidence.orders)
    )
    return Proof("the guide's order of events", holds, f"NEW, {count} orders NEW → PROCESSING → FILLED, FILLED")


def _steps(evidence: Evidence, order: Order) -> list[str]:
    return [
        str(event.object["status"])
        for event in evidence.events
        if event.type.startswith("ORDER.") and event.object["id"] == str(order.id)
    ]


def _signatures(evidence: Evidence) -> Proof:
    figures = f"{evidence.requests} requests: v1, v1a and HTTP message signature each; {evidence.refused} refused"
    return Proof("all signatures valid", evidence.requests > 0 and evidence.refused == 0, figures)


def _amounts(evidence: Evidence) -> Proof:
    ordered = total(order.cash_amount for order in evidence.orders)
    parts = " + ".join(str(order.cash_amount) for order in evidence.orders)
    figures = f"{parts} = {ordered} {evidence.portfolio_order.currency}"
    return Proof("individual amounts add up to the cent", ordered == evidence.portfolio_order.cash_amount, figures)


def _positions(evidence: Evidence) -> Proof:
    executed: dict[str, Decimal] = {}
    for order in evidence.orders:
        units = total(execution.share_quantity for execution in order.executions)
        executed[order.instrument_id] = add(executed.get(order.instrument_id, ZERO), units)
    held = {position.instrument.isin: position.quantity for position in evidence.positions}
    count = sum(len(order.executions) for order in evidence.orders)
    return Proof("positions agree with the executions", held == executed, f"{len(held)} positions, {count} executions")


def _cash(evidence: Evidence) -> Proof:
    paid = total(execution.cash_amount for order in evidence.orders for execution in order.executions)
    cash = evidence.cash
    holds = cash.balance == subtract(evidence.deposit, paid) and cash.locked_for_trading == ZERO
    return Proof("cash agrees with the executions", holds, f"{evidence.deposit} - {paid} = {cash.balance}")


def _state(evidence: Evidence) -> Proof:
    one = evidence.portfolio_order
    holds = one.status == "FILLED" and all(order.status == "FILLED" for order in one.orders)
    return Proof("GET says FILLED", holds, f"{one.status}, executed {one.executed_cash_amount} {one.currency}")
