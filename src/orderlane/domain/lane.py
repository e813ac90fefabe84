"""The one door to the rules: an account's state and a message in, a decision out. It does no I/O."""

from orderlane.domain.account import AssetType, JournalReason
from orderlane.domain.decision import AccountState, Circumstances, Decision
from orderlane.domain.messages import (
    Deposit,
    Message,
    PlacePortfolioOrder,
    ReceiveVenueReports,
    SettleExecutions,
)
from orderlane.domain.placing import place
from orderlane.domain.reporting import receive
from orderlane.domain.settling import settle


def decide(state: AccountState, message: Message, circumstances: Circumstances) -> Decision:
    """Apply `message` to `state`, which stays as it is. Raises DomainError when a rule forbids it."""
    decision = Decision(state, circumstances)
    match message:
        case PlacePortfolioOrder():
            place(decision, message)
        case ReceiveVenueReports():
            receive(decision, message)
        case SettleExecutions():
            settle(decision, message)
        case Deposit():
            decision.post(
                message.currency,
                AssetType.CASH,
                JournalReason.DEPOSIT,
                quantity=message.amount,
                deposit_id=message.deposit_id,
            )
        case _:
            raise TypeError(f"no rule for {type(message).__name__}")
    decision.complete()
    return decision
