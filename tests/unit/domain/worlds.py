"""A small market with one account in it, to which messages are said; it keeps everything that came of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import UUID

from orderlane.domain.account import (
    Account,
    AccountStatus,
    AccountType,
    AssetType,
    Distribution,
    Holding,
    JournalEntry,
)
from orderlane.domain.allocation import Allocation, Weight
from orderlane.domain.decision import AccountState, Circumstances, Decision
from orderlane.domain.events import Event
from orderlane.domain.instruments import Instrument, TradingStatus
from orderlane.domain.lane import decide
from orderlane.domain.messages import (
    Deposit,
    Message,
    OrderAccepted,
    OrderEnded,
    OrderExecuted,
    PlacePortfolioOrder,
    ReceiveVenueReports,
    SettleExecutions,
    VenueReport,
)
from orderlane.domain.money import Currency
from orderlane.domain.order import Order
from orderlane.domain.portfolio_order import (
    InitiationFlow,
    PortfolioOrder,
    PortfolioOrderStatus,
    PortfolioOrderType,
)

EUR, JPY, KWD = Currency("EUR", 2), Currency("JPY", 0), Currency("KWD", 3)
CURRENCIES = {one.code: one for one in (EUR, JPY, KWD)}
NOW = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)
CLIENT, USER, GROUP, ACCOUNT, ALLOCATION = (UUID(int=number) for number in range(1, 6))
WORLD, SAP, APPLE = "IE00B4L5Y983", "DE0007164600", "US0378331005"


def instrument(
    isin: str,
    price: str = "10",
    *,
    minimum: str = "1",
    fractional: bool = True,
    currency: str = "EUR",
    status: TradingStatus = TradingStatus.ACTIVE,
) -> Instrument:
    return Instrument(isin, f"Name of {isin}", currency, Decimal(minimum), fractional, status, Decimal(price))


def market(*instruments: Instrument) -> dict[str, Instrument]:
    return {one.isin: one for one in instruments}


def allocation(weights: Mapping[str, str]) -> Allocation:
    entries = tuple(Weight(isin, Decimal(weight)) for isin, weight in weights.items())
    return Allocation(ALLOCATION, CLIENT, "Growth", entries, NOW, NOW)


def account(
    currency: str = "EUR",
    distribution: Distribution = Distribution.DEFAULT,
    status: AccountStatus = AccountStatus.ACTIVE,
) -> Account:
    return Account(
        id=ACCOUNT,
        lane=5,
        client_id=CLIENT,
        user_id=USER,
        account_group_id=GROUP,
        type=AccountType.PORTFOLIO,
        status=status,
        name="",
        currency=currency,
        distribution=distribution,
        created_at=NOW,
        updated_at=NOW,
    )


def cash(amount: str, currency: str = "EUR", *, locked: str = "0") -> Holding:
    return Holding(ACCOUNT, currency, AssetType.CASH, Decimal(amount), Decimal(locked))


def position(isin: str, quantity: str, *, locked: str = "0") -> Holding:
    return Holding(ACCOUNT, isin, AssetType.INSTRUMENT, Decimal(quantity), Decimal(locked))


def accepted(order: Order) -> OrderAccepted:
    return OrderAccepted(order.id)


def executed(
    order: Order, name: str, quantity: str, cash_amount: str, *, total: str | None = None, price: str = "10"
) -> OrderExecuted:
    """An execution report; `total` marks it as the last execution of its order."""
    return OrderExecuted(
        order_id=order.id,
        venue_id="SIM",
        venue_execution_id=name,
        quantity=Decimal(quantity),
        cash_amount=Decimal(cash_amount),
        price=Decimal(price),
        transaction_time=NOW,
        settlement_date=date(2021, 7, 23),
        total_quantity=None if total is None else Decimal(total),
    )


def ended(order: Order, total: str = "0") -> OrderEnded:
    return OrderEnded(order.id, "the venue says no", Decimal(total))


def numbered_ids(first: int = 1_000) -> Callable[[], UUID]:
    numbers = count(first)
    return lambda: UUID(int=next(numbers))


@dataclass
class World:
    """An account's state, the market around it, and all events, journal entries and sends so far."""

    instruments: dict[str, Instrument]
    allocation: Allocation
    account: Account = field(default_factory=account)
    new_id: Callable[[], UUID] = field(default_factory=numbered_ids)
    now: datetime = NOW
    events: list[Event] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    sends: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = AccountState(self.account)
        self._message_ids = count(1)

    def circumstances(self) -> Circumstances:
        return Circumstances(
            next(self._message_ids),
            self.now,
            self.new_id,
            CURRENCIES,
            self.instruments,
            {self.allocation.id: self.allocation},
        )

    def say(self, message: Message) -> Decision:
        """Decide a message, and go on from there a second later."""
        decision = decide(self.state, message, self.circumstances())
        self.state = decision.state
        self.events += decision.events
        self.journal += decision.journal
        self.sends += decision.sends
        self.now += timedelta(seconds=1)
        return decision

    def deposit(self, amount: str | Decimal) -> Decision:
        return self.say(Deposit(self.new_id(), Decimal(amount), self.account.currency))

    def accept(self, side: str, amount: str | Decimal, **changes: object) -> PortfolioOrder:
        """Store a portfolio order as the API does; its message is still to be said."""
        taken = PortfolioOrder(
            id=self.new_id(),
            client_id=CLIENT,
            user_id=USER,
            account_id=ACCOUNT,
            allocation_id=self.allocation.id,
            cash_amount=Decimal(amount),
            currency=self.account.currency,
            type=PortfolioOrderType(side),
            status=PortfolioOrderStatus.NEW,
            post_tax=False,
            client_reference="",
            initiation_flow=InitiationFlow.API,
            cancellation_reason=None,
            cancellation_details="",
            sequence=0,
            created_at=self.now,
            updated_at=self.now,
        )
        taken = replace(taken, **changes)
        self.state.portfolio_orders[taken.id] = taken
        return taken

    def place(self, side: str, amount: str | Decimal, **changes: object) -> PortfolioOrder:
        taken = self.accept(side, amount, **changes)
        self.place_accepted(taken)
        return self.portfolio_order(taken)

    def place_accepted(self, taken: PortfolioOrder) -> Decision:
        return self.say(PlacePortfolioOrder(taken.id))

    def report(self, *reports: VenueReport) -> Decision:
        return self.say(ReceiveVenueReports(reports))

    def fill(self, order: Order) -> None:
        """Let the venue execute all of an order at once, at its reference price."""
        self.report(accepted(order), self.filling(order))

    def filling(self, order: Order, name: str = "") -> OrderExecuted:
        """The report of one execution for all that an order wants, at its reference price."""
        quantity = f"{order.cash_amount / order.reference_price:.10f}"
        return executed(
            order,
            name or f"fill of {order.id}",
            quantity,
            f"{order.cash_amount}",
            total=quantity,
            price=f"{order.reference_price}",
        )

    def settle(self, *execution_ids: UUID) -> Decision:
        return self.say(SettleExecutions(execution_ids))

    def portfolio_order(self, one: PortfolioOrder) -> PortfolioOrder:
        return self.state.portfolio_orders[one.id]

    def orders(self, one: PortfolioOrder) -> list[Order]:
        return [self.state.orders[order_id] for order_id in self.portfolio_order(one).order_ids]

    def holding(self, asset: str) -> Holding:
        return self.state.holdings[asset]

    @property
    def event_types(self) -> list[str]:
        return [one.type for one in self.events]


def world_of_two(**changes: object) -> World:
    """60 % of a world ETF at 10 EUR, 40 % of a share at 100 EUR."""
    return World(
        market(instrument(WORLD, "10"), instrument(SAP, "100")),
        allocation({WORLD: "0.6", SAP: "0.4"}),
        **changes,
    )
