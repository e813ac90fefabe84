"""Cash that came in."""

from decimal import Decimal

from msgspec import Struct

from orderlane.domain.account import AssetType, Posting, PostingReason
from orderlane.domain.decision import Decision
from orderlane.domain.ids import DepositId
from orderlane.domain.lane.message import MessageKind


class BookDeposit(Struct, frozen=True):
    """Cash came in: `amount` of `currency`."""

    deposit_id: DepositId
    amount: Decimal
    currency: str


def book_deposit(decision: Decision, message: BookDeposit) -> None:
    """Post the cash."""
    decision.post(
        Posting(
            asset=message.currency,
            asset_type=AssetType.CASH,
            reason=PostingReason.DEPOSIT,
            quantity=message.amount,
            deposit_id=message.deposit_id,
        )
    )


KIND = MessageKind("BOOK_DEPOSIT", BookDeposit, book_deposit)
