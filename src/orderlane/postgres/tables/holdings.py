"""`holdings`: what accounts have of each asset."""

from collections.abc import Iterable
from typing import Any

from orderlane.domain.account import Holding
from orderlane.domain.ids import lane_of
from orderlane.postgres.tables.records import Row, record_from


def holding_from(row: Row) -> Holding:
    """A holding from its row."""
    return record_from(row, Holding)


def holding_arrays(holdings: Iterable[Holding], lane_count: int) -> list[tuple[Any, ...]]:
    """The columns of `write_holdings`. Numbers go as text, which costs the driver least."""
    return list(
        zip(
            *(
                (
                    lane_of(held.account_id, lane_count),
                    held.account_id,
                    held.asset,
                    held.asset_type,
                    str(held.quantity),
                    str(held.locked),
                    str(held.pending),
                    str(held.owed),
                )
                for held in holdings
            ),
            strict=True,
        )
    )
