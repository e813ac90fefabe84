"""An account, what it holds of each asset, and the postings that account for every cent and every unit."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from orderlane.domain.errors import HoldingOverdrawn
from orderlane.domain.ids import AccountGroupId, AccountId, ClientId, DepositId, ExecutionId, OrderId, UserId
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


class PostingReason(StrEnum):
    """Why a holding changed."""

    DEPOSIT = "DEPOSIT"
    RESERVATION = "RESERVATION"
    EXECUTION = "EXECUTION"
    RELEASE = "RELEASE"
    SETTLEMENT = "SETTLEMENT"


class Account(Struct, frozen=True, kw_only=True):
    """An account of a user. Its parent orders, cash and positions are in `currency`.

    `account_number` counts the accounts of its group.
    """

    id: AccountId
    client_id: ClientId
    user_id: UserId
    account_group_id: AccountGroupId
    type: AccountType
    status: AccountStatus
    name: str
    currency: str
    distribution: Distribution
    account_number: int
    created_at: datetime
    updated_at: datetime


class Posting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one holding, never altered: by how much (in units of `asset`), why, and for what."""

    asset: str
    asset_type: AssetType
    reason: PostingReason
    quantity: Decimal = ZERO
    locked: Decimal = ZERO
    pending: Decimal = ZERO
    owed: Decimal = ZERO
    order_id: OrderId | None = None
    execution_id: ExecutionId | None = None
    deposit_id: DepositId | None = None


class Holding(Struct, frozen=True, kw_only=True):
    """What an account has of one asset: the sum of its postings.

    `quantity` is all of it, `locked` the part that open orders have reserved, `pending` the part that came from
    executions which are not settled yet, `owed` what a venue took back from somebody who no longer had it.
    """

    account_id: AccountId
    asset: str
    asset_type: AssetType
    quantity: Decimal = ZERO
    locked: Decimal = ZERO
    pending: Decimal = ZERO
    owed: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """What a new order may use."""
        return (
            subtract(add(self.quantity, self.owed), self.locked) if self.owed else subtract(self.quantity, self.locked)
        )

    def after(self, posting: Posting) -> "Holding":
        """The holding with `posting` applied.

        Raises:
            HoldingOverdrawn: that would leave less than nothing.
        """
        changed = Holding(
            account_id=self.account_id,
            asset=self.asset,
            asset_type=self.asset_type,
            quantity=add(self.quantity, posting.quantity),
            locked=add(self.locked, posting.locked),
            pending=add(self.pending, posting.pending),
            owed=add(self.owed, posting.owed),
        )
        if min(changed.available, changed.locked, changed.pending, changed.owed) < 0:
            raise HoldingOverdrawn(self.account_id, self.asset, changed.quantity, changed.locked, changed.pending)
        return changed
