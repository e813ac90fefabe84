"""The service's resources as typed records. Amounts, quantities, prices and weights are exact decimals.

Fields that a newer service adds are ignored.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct, field


class Resource(Struct, frozen=True, kw_only=True):
    """What every resource is: unchangeable."""


class User(Resource, frozen=True, kw_only=True):
    """A person who owns accounts."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    first_name: str
    last_name: str


class AccountGroup(Resource, frozen=True, kw_only=True):
    """A user's accounts, with one cash balance."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    type: str


class Account(Resource, frozen=True, kw_only=True):
    """An account; portfolio orders need one of type PORTFOLIO."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    account_group_id: UUID
    type: str
    status: str
    name: str = ""


class CashBalance(Resource, frozen=True, kw_only=True):
    """The cash of an account group, in its currency."""

    balance: Decimal
    locked_for_trading: Decimal
    pending_settlement: Decimal
    available_for_withdrawal: Decimal
    available_for_trading: Decimal
    currency: str = ""


class InstrumentReference(Resource, frozen=True, kw_only=True):
    """Names an instrument."""

    isin: str


class Position(Resource, frozen=True, kw_only=True):
    """What an account holds of an instrument, in units."""

    account_id: UUID
    instrument: InstrumentReference
    quantity: Decimal
    locked_for_trading: Decimal
    pending_settlement: Decimal
    available_for_trading: Decimal


class Instrument(Resource, frozen=True, kw_only=True):
    """Something that can be traded; `venue` is the name of the venue where."""

    id: UUID
    isin: str
    name: str
    fractional_trading: bool
    trading_status: str
    wkn: str = ""
    venue: str = ""


class Weight(Resource, frozen=True, kw_only=True):
    """An instrument's part of an allocation."""

    instrument_id: str
    weight: Decimal
    instrument_id_type: str = "ISIN"


class Allocation(Resource, frozen=True, kw_only=True):
    """A named set of target weights, whose sum is 1 (or 100)."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    name: str
    allocation: list[Weight]


class PortfolioConfiguration(Resource, frozen=True, kw_only=True):
    """Which allocation an account follows."""

    account_id: UUID
    allocation_id: UUID


class OrderReference(Resource, frozen=True, kw_only=True):
    """An individual order as its portfolio order lists it."""

    id: UUID
    side: str
    status: str


class PortfolioOrder(Resource, frozen=True, kw_only=True):
    """An order for a whole portfolio: `cash_amount` of `currency` over the account's allocation."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    user_id: UUID
    account_id: UUID
    cash_amount: Decimal
    currency: str
    type: str
    status: str
    client_reference: str
    initiation_flow: str
    orders: list[OrderReference]
    allocation_id: UUID | None = None
    cancellation_reason: str | None = None
    cancellation_details: str = ""
    executed_cash_amount: Decimal = Decimal(0)
    remaining_cash_amount: Decimal = Decimal(0)


class Execution(Resource, frozen=True, kw_only=True):
    """A trade at the venue: `share_quantity` units for `cash_amount` of `currency`; `venue` is the venue's name."""

    id: UUID
    order_id: UUID
    side: str
    cash_amount: Decimal
    share_quantity: Decimal
    price: Decimal
    currency: str
    transaction_time: datetime
    status: str
    settlement_date: date | None = None
    venue_id: UUID | None = None
    venue: str = ""


class Order(Resource, frozen=True, kw_only=True):
    """An individual order; `client_reference` is the id of its portfolio order."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    user_id: UUID
    account_id: UUID
    side: str
    instrument_id: str
    cash_amount: Decimal
    quantity: Decimal
    currency: str
    fee: Decimal
    status: str
    client_reference: str
    initiation_flow: str
    executions: list[Execution]
    cancellation_reason: str | None = None


class WebhookConfig(Resource, frozen=True, kw_only=True):
    """How events are packed: sent at the latest `delay` after the oldest, at most `max_package_size` bytes."""

    delay: str
    max_package_size: int


class WebhookSubscription(Resource, frozen=True, kw_only=True):
    """Where events go. `secret` signs them beside the service's keys; it is told when it is made."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    title: str
    url: str
    type: list[str]
    enabled: bool
    config: WebhookConfig
    exclude_type: list[str] = field(default_factory=list)
    secret: str | None = None


class WebhookEvent(Resource, frozen=True, kw_only=True):
    """One transition. `object` is the whole resource as it was then.

    `sequence` counts the events of the portfolio order in the topics PORTFOLIO_ORDER and ORDER from 1 without a gap.
    `epoch` grows when the service's database failed over or was restored: a `sequence` that comes with two ids, or an
    epoch that goes back, is a fork.
    """

    id: UUID
    created_at: datetime
    type: str
    object: dict[str, Any]
    webhook_id: UUID | None = None
    sequence: int | None = None
    portfolio_order_id: UUID | None = None
    epoch: int | None = None
