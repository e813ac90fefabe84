"""Intake: may this be ordered? Facts in, the parent order as it is accepted out, or the refusal.

The API, savings plans, rebalancing and preview all use it. Acceptance fixes what the order says: its amount, side and
currency, and the allocation that the account follows at that moment. Whether and how it can be carried out is decided
in the account's lane, by what is so then (`orderlane.domain.lane.placing`), and told by event. A check that the intake
makes as well, like that of the user's status, only refuses early what the lane would cancel.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from orderlane.domain.account import Account, AccountType
from orderlane.domain.amounts import amount_refusals
from orderlane.domain.errors import FieldRefused, StateRefused, refuse
from orderlane.domain.ids import AccountId, AllocationId, UserId, parent_order_id
from orderlane.domain.money import Currency
from orderlane.domain.order import Side
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.domain.portfolio_order import InitiationFlow, PortfolioOrderStatus, PortfolioOrderType
from orderlane.domain.users import UserStatus


class PortfolioOrderPlacement(Struct, frozen=True, kw_only=True):
    """A portfolio order as a client asks for it: `cash_amount` of `currency`, over the allocation of the account."""

    user_id: UserId
    account_id: AccountId
    cash_amount: Decimal
    currency: str
    side: Side
    post_tax: bool = False
    client_reference: str = ""


class PlacementFacts(Struct, frozen=True, kw_only=True):
    """What is known when a portfolio order is placed: None where the client has no such user or account.

    `currency` is the one that the request names, None where ISO 4217 has no such code. `allocation_id` is what the
    account is configured to follow, `now` the business time.
    """

    currency: Currency | None
    account: Account | None
    user_status: UserStatus | None
    allocation_id: AllocationId | None
    now: datetime


def accepted_portfolio_order(
    placement: PortfolioOrderPlacement,
    facts: PlacementFacts,
    fresh_id: str,
    initiation_flow: InitiationFlow = InitiationFlow.API,
) -> ParentOrder:
    """The portfolio order as it is stored and answered, NEW and without individual orders.

    Raises:
        FieldRefused: the amount cannot be paid, taxes are to be computed, or the user or the account does not exist for
            this client, or they do not fit together.
        FieldsRefused: more than one of these.
        StateRefused: the user is not ACTIVE.
    """
    refuse(list(_refusals(placement, facts)))
    if facts.account is None or facts.user_status is not UserStatus.ACTIVE:
        raise StateRefused(f"user {placement.user_id} is {facts.user_status}, not ACTIVE")
    account = facts.account
    return ParentOrder(
        id=parent_order_id(fresh_id, facts.now, account.id),
        kind=ParentKind.PORTFOLIO,
        client_id=account.client_id,
        user_id=placement.user_id,
        account_id=account.id,
        allocation_id=facts.allocation_id,
        cash_amount=placement.cash_amount,
        currency=placement.currency,
        type=PortfolioOrderType(placement.side),
        status=PortfolioOrderStatus.NEW,
        post_tax=placement.post_tax,
        client_reference=placement.client_reference,
        initiation_flow=initiation_flow,
        created_at=facts.now,
        updated_at=facts.now,
    )


def _refusals(placement: PortfolioOrderPlacement, facts: PlacementFacts) -> Iterator[FieldRefused]:
    """Every field that does not fit: to the rules, and to the client's user and account."""
    yield from amount_refusals("cash_amount", placement.cash_amount, placement.currency, facts.currency)
    if placement.post_tax:
        yield FieldRefused("post_tax", "must be false: taxes are not computed")
    if facts.user_status is None:
        yield FieldRefused("user_id", f"there is no user {placement.user_id}")
    if facts.account is None:
        yield FieldRefused("account_id", f"there is no account {placement.account_id}")
        return
    if facts.user_status is not None:
        yield from _misfits(facts.account, placement.user_id)
    if facts.currency is not None and facts.account.currency != placement.currency:
        yield FieldRefused("currency", f"must be {facts.account.currency}, the account's, not {placement.currency}")


def _misfits(account: Account, user_id: UserId) -> Iterator[FieldRefused]:
    if account.user_id != user_id:
        yield FieldRefused("account_id", f"account {account.id} does not belong to user {user_id}")
    elif account.type is not AccountType.PORTFOLIO:
        yield FieldRefused("account_id", f"account {account.id} is a {account.type} account, not PORTFOLIO")
