"""Everything that can be said to an account's lane."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlacePortfolioOrder:
    """An accepted portfolio order waits to be checked and split."""

    portfolio_order_id: UUID


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """The venue took the order into its book."""

    order_id: UUID


@dataclass(frozen=True, slots=True)
class OrderExecuted:
    """The venue traded `quantity` units at `price` for `cash_amount`.

    `total_quantity` is the sum of all executions of the order when this is its last one, else None: reports may come
    out of order, so the last one is not always the last to arrive.
    """

    order_id: UUID
    venue_id: str
    venue_execution_id: str
    quantity: Decimal
    cash_amount: Decimal
    price: Decimal
    transaction_time: datetime
    settlement_date: date
    total_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """The venue refused the order, or ended it before it was executed in full; `total_quantity` was traded before."""

    order_id: UUID
    detail: str
    total_quantity: Decimal = Decimal(0)


VenueReport = OrderAccepted | OrderExecuted | OrderEnded


@dataclass(frozen=True, slots=True)
class ReceiveVenueReports:
    """What a venue said of individual orders of one account, in the order in which it was said."""

    reports: tuple[VenueReport, ...]


@dataclass(frozen=True, slots=True)
class Deposit:
    """Cash came in: `amount` of `currency`."""

    deposit_id: UUID
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SettleExecutions:
    """The settlement date of these executions has come."""

    execution_ids: tuple[UUID, ...]


Message = PlacePortfolioOrder | ReceiveVenueReports | Deposit | SettleExecutions
