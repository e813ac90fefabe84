"""Accepting portfolio orders: the seam behind which one becomes durable, together with its message and its answer."""

from typing import Protocol

from msgspec import Struct

from orderlane.domain.intake import PortfolioOrderPlacement
from orderlane.ports.idempotency import IdempotencyClaim, KeptAnswer


class PlacementRequest(Struct, frozen=True, kw_only=True):
    """A decoded request for a portfolio order under its idempotency key; `fresh_id` is a new UUID of version 7."""

    fresh_id: str
    claim: IdempotencyClaim
    request_id: str
    placement: PortfolioOrderPlacement


class Acceptance(Struct, frozen=True):
    """The answer to a request, and whether it was given before."""

    answer: KeptAnswer
    replayed: bool


class PortfolioOrderAcceptance(Protocol):
    """Accepts portfolio orders atomically: order, inbox message and idempotent answer."""

    async def accept(self, request: PlacementRequest) -> Acceptance:
        """Accept, or find the answer that the key got before.

        Raises:
            KeyReused: the key belongs to another request.
            FieldRefused: an account or user that the client does not have, or that do not fit together.
            FieldsRefused: several fields do not fit.
            StateRefused: the user is not ACTIVE.
            StoreUnavailable: the database is lost; the same request may be sent again.
        """
        ...
