"""The portfolio order and its state machine."""

from enum import StrEnum

from orderlane.domain.transitions import Transition, TransitionTable


class PortfolioOrderStatus(StrEnum):
    """The states of a portfolio order."""

    NEW = "NEW"
    PROCESSING = "PROCESSING"
    FILLED = "FILLED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


class PortfolioOrderType(StrEnum):
    """What a portfolio order does."""

    BUY = "BUY"
    SELL = "SELL"
    REBALANCING = "REBALANCING"


class InitiationFlow(StrEnum):
    """What placed a portfolio order."""

    API = "API"
    REBALANCING = "REBALANCING"
    SAVINGS_PLAN = "SAVINGS_PLAN"


class CancellationReason(StrEnum):
    """Why a portfolio order was cancelled."""

    CANCELLED_BY_CLIENT = "CANCELLED_BY_CLIENT"
    ACCOUNT_IS_EMPTY = "ACCOUNT_IS_EMPTY"
    PORTFOLIO_IS_BALANCED = "PORTFOLIO_IS_BALANCED"
    SELL_LIMIT_EXCEEDED = "SELL_LIMIT_EXCEEDED"
    CANCELLED_BY_OPERATIONS = "CANCELLED_BY_OPERATIONS"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    CONFIGURATION_IS_MISSING = "CONFIGURATION_IS_MISSING"
    INSTRUMENT_NOT_TRADABLE = "INSTRUMENT_NOT_TRADABLE"
    AMOUNT_TOO_SMALL = "AMOUNT_TOO_SMALL"
    PARTIALLY_EXECUTED = "PARTIALLY_EXECUTED"
    NOT_EXECUTED = "NOT_EXECUTED"


PORTFOLIO_ORDER_TRANSITIONS = TransitionTable(
    "portfolio order",
    PortfolioOrderStatus,
    (
        Transition(None, PortfolioOrderStatus.NEW, "PORTFOLIO_ORDER.NEW", "it was placed; its orders are empty"),
        Transition(
            PortfolioOrderStatus.NEW,
            PortfolioOrderStatus.PROCESSING,
            "PORTFOLIO_ORDER.PROCESSING",
            "the first of its individual orders goes from NEW to PROCESSING",
        ),
        Transition(
            PortfolioOrderStatus.PROCESSING,
            PortfolioOrderStatus.FILLED,
            "PORTFOLIO_ORDER.FILLED",
            "every individual order is FILLED, and positions and cash show it",
        ),
        Transition(
            PortfolioOrderStatus.FILLED,
            PortfolioOrderStatus.SETTLED,
            "PORTFOLIO_ORDER.SETTLED",
            "every execution is settled",
        ),
        Transition(
            PortfolioOrderStatus.NEW,
            PortfolioOrderStatus.CANCELLED,
            "PORTFOLIO_ORDER.CANCELLED",
            "a check failed, or the venue refused every individual order",
        ),
        Transition(
            PortfolioOrderStatus.PROCESSING,
            PortfolioOrderStatus.CANCELLED,
            "PORTFOLIO_ORDER.CANCELLED",
            "all individual orders are final and at least one was cancelled",
        ),
    ),
)
