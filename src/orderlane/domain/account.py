"""An account, what it holds of each asset, and the journal that accounts for every cent and every unit."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from orderlane.domain.errors import HoldingOverdrawn
from orderlane.domain.money import add, subtract

ZERO = Decimal(0)


class AccountType(StrEnum):
    """What an account is for."""

    TRADING = "TRADING"
    PORTFOLIO = "PORTFOLIO"


class AccountStatus(StrEnum):
    """Whether an account may trade."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    CLOSED = "CLOSED"


class Distribution(StrEnum):
    """How an account's portfolio orders are split."""

    DEFAULT = "DEFAULT"
    PRO_RATA = "PRO_RATA"


class AssetType(StrEnum):
    """What a holding is of: cash (the asset is an ISO 4217 code) or an instrument (an ISIN)."""

    CASH = "CASH"
    INSTRUMENT = "INSTRUMENT"


class JournalReason(StrEnum):
    """Why a holding changed."""

    DEPOSIT = "DEPOSIT"
    RESERVATION = "RESERVATION"
    EXECUTION = "EXECUTION"
    RELEASE = "RELEASE"
    SETTLEMENT = "SETTLEMENT"


def lane_of(account_id: UUID, lane_count: int) -> int:
    """The lane, 0 to lane_count - 1, that everything of an account belongs to, for ever."""
    return account_id.int % lane_count


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a user. Its portfolio orders, cash and positions are in `currency`."""

    id: UUID
    lane: int
    client_id: UUID
    user_id: UUID
    account_group_id: UUID
    type: AccountType
    status: AccountStatus
    name: str
    currency: str
    distribution: Distribution
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change of one holding, never altered: by how much, why, and for what. Deltas are in units of `asset`."""

    account_id: UUID
    asset: str
    asset_type: AssetType
    quantity: Decimal
    locked: Decimal
    pending: Decimal
    reason: JournalReason
    message_id: int
    created_at: datetime
    portfolio_order_id: UUID | None = None
    order_id: UUID | None = None
    execution_id: UUID | None = None
    deposit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account has of one asset: the sum of its journal.

    `quantity` is all of it, `locked` the part that open orders have reserved, `pending` the part that came from
    executions which are not settled yet.
    """

    account_id: UUID
    asset: str
    asset_type: AssetType
    quantity: Decimal = ZERO
    locked: Decimal = ZERO
    pending: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """What a new order may use."""
        return subtract(self.quantity, self.locked)

    def after(self, entry: JournalEntry) -> "Holding":
        """The holding with `entry` applied. Raises HoldingOverdrawn when that leaves less than nothing."""
        changed = Holding(
            self.account_id,
            self.asset,
            self.asset_type,
            add(self.quantity, entry.quantity),
            add(self.locked, entry.locked),
            add(self.pending, entry.pending),
        )
        if min(changed.available, changed.locked, changed.pending) < 0:
            raise HoldingOverdrawn(self.account_id, self.asset, changed.quantity, changed.locked, changed.pending)
        return changed
