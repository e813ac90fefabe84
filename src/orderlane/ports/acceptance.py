"""Accepting portfolio orders: the seam behind which one becomes durable, together with its message and its answer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from orderlane.domain.order import Side
from orderlane.ports.idempotency import IdempotencyClaim, KeptAnswer


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """A checked request for a portfolio order, which gets `id`; its client, key and time are those of `claim`.

    `cash_amount` is in `currency`, greater than zero and with no more than its decimals.
    """

    id: UUID
    claim: IdempotencyClaim
    user_id: UUID
    account_id: UUID
    cash_amount: Decimal
    currency: str
    side: Side
    client_reference: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The answer to a request, and whether it was given before."""

    answer: KeptAnswer
    replayed: bool


class PortfolioOrderAcceptance(Protocol):
    """Takes portfolio orders in: stored as NEW, their lane told, the answer kept, all of it or nothing."""

    async def accept(self, request: PlacementRequest) -> Acceptance:
        """Accept, or find the answer that the key got before.

        Raises KeyReused; Invalid for an account or user that the client does not have or that don't fit together;
        Conflict when the user is not ACTIVE; StoreUnavailable, after which the same request may be sent again.
        """
        ...
