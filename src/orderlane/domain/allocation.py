"""The allocation: which instruments a portfolio is made of, and in what weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from orderlane.domain.errors import WeightsRefused
from orderlane.domain.money import total

MAX_ALLOCATION_INSTRUMENTS = 200
_WHOLES = (Decimal(1), Decimal(100))


@dataclass(frozen=True, slots=True)
class Weight:
    """One instrument's part of an allocation."""

    isin: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """Named target weights of a client; they sum to exactly 1 or exactly 100."""

    id: UUID
    client_id: UUID
    name: str
    weights: tuple[Weight, ...]
    created_at: datetime
    updated_at: datetime


def check_weights(weights: Sequence[Weight]) -> None:
    """Raises WeightsRefused when a weight is not positive, an instrument stands twice, or the sum is not 1 or 100."""
    if not 0 < len(weights) <= MAX_ALLOCATION_INSTRUMENTS:
        raise WeightsRefused(f"must name 1 to {MAX_ALLOCATION_INSTRUMENTS} instruments, not {len(weights)}")
    seen: set[str] = set()
    for index, one in enumerate(weights):
        if one.weight <= 0:
            raise WeightsRefused(f"weight must be greater than 0, not {one.weight:f}", index)
        if one.isin in seen:
            raise WeightsRefused(f"instrument {one.isin} stands twice", index)
        seen.add(one.isin)
    whole = total(one.weight for one in weights)
    if whole not in _WHOLES:
        raise WeightsRefused(f"weights must sum to exactly 1 or exactly 100, not {whole:f}")
