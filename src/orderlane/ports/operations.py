"""What an operator asks of a running service: how it is, and what waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from orderlane.resources.orders import OrderResource, PortfolioOrderResource


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that could not be applied; while it is there its account is held."""

    id: int
    lane: int
    account_id: UUID
    kind: str
    error: str
    quarantined_at: datetime


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """The lanes, those of them that no worker and that no gateway owns, and the oldest message that waits."""

    lane_count: int
    without_worker: Sequence[int]
    without_gateway: Sequence[int]
    waiting_messages: int
    oldest_message_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """An enabled or disabled webhook subscription, and the oldest event that it has not got.

    `oldest_undelivered_at` is None when there is none; `last_error` is None when the last attempt succeeded.
    """

    subscription_id: UUID
    title: str
    url: str
    enabled: bool
    disabled_reason: str | None
    has_sender: bool
    oldest_undelivered_at: datetime | None
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class PortfolioOrderStory:
    """A portfolio order with all its individual orders, and how many events it has had."""

    portfolio_order: PortfolioOrderResource
    orders: Sequence[OrderResource]
    sequence: int


class Operations(Protocol):
    """An operator's view, over all clients. Every method raises StoreUnavailable."""

    async def server_version(self) -> str:
        """The version of the PostgreSQL server."""
        ...

    async def lanes(self) -> LaneHealth:
        """How the lanes are."""
        ...

    async def quarantined(self) -> Sequence[Quarantined]:
        """What waits for a person, the oldest first."""
        ...

    async def release(self, message_id: int) -> None:
        """Put a quarantined message back to where it came from: its account goes on. Raises NotFound."""
        ...

    async def deliveries(self) -> Sequence[DeliveryHealth]:
        """How the webhook subscriptions are."""
        ...

    async def portfolio_order(self, portfolio_order_id: UUID) -> PortfolioOrderStory:
        """One portfolio order of any client. Raises NotFound."""
        ...

    async def wait_for_event(self, seconds_max: float) -> None:
        """Return when something may have happened to some portfolio order, at the latest after `seconds_max`."""
        ...

    async def close(self) -> None:
        """End the session."""
        ...
