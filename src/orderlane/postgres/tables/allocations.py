"""`allocations` and `allocation_weights`: target weights."""

from collections.abc import Sequence

from orderlane.domain.allocation import Allocation, Weight
from orderlane.postgres.tables.records import Row, record_from


def weight_from(row: Row) -> Weight:
    """One entry of an allocation from its row."""
    return record_from(row, Weight)


def allocation_from(row: Row, weights: Sequence[Weight]) -> Allocation:
    """An allocation from its row and its entries."""
    return record_from(row, Allocation, weights=tuple(weights))
