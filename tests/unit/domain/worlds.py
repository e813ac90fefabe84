"""A small market with one account in it, to which messages are said; it keeps everything that came of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import UUID

from msgspec import structs

from orderlane.domain.account import (
    Account,
    AccountStatus,
    AccountType,
    AssetType,
    Distribution,
    Holding,
    Posting,
)
from orderlane.domain.allocation import Allocation, Weight
from orderlane.domain.decision import AccountState, Circumstances, Decision, ParentChange
from orderlane.domain.events import Event
from orderlane.domain.ids import (
    AccountGroupId,
    AllocationId,
    ClientId,
    DepositId,
    ParentOrderId,
    UserId,
    VenueId,
    account_id,
    in_slot,
    order_id,
    parent_order_id,
)
from orderlane.domain.instruments import Instrument, TradingStatus, Venue
from orderlane.domain.lane.depositing import BookDeposit
from orderlane.domain.lane.messages import Message, decide
from orderlane.domain.lane.placing import PlacePortfolioOrder, open_wave
from orderlane.domain.lane.reporting import (
    OrderAccepted,
    OrderEnded,
    OrderExecuted,
    ReceiveVenueReports,
    VenueReport,
)
from orderlane.domain.lane.settling import SettleExecutions
from orderlane.domain.money import Currency, divide, quantity_floor
from orderlane.domain.order import ExecutionStatus, Order
from orderlane.domain.parent_order import ParentKind, ParentOrder
from orderlane.domain.planning import Plan
from orderlane.domain.portfolio_order import InitiationFlow, PortfolioOrderStatus, PortfolioOrderType
from orderlane.domain.users import UserStatus

NOW = datetime(2021, 7, 21, 14, 10, tzinfo=UTC)
SETTLEMENT_DATE = date(2021, 7, 23)
SLOT = 645
"""The slot of everything of the account: lane 5 of 64."""


def numbered_id(number: int) -> str:
    """A UUIDv7 of `NOW` whose randomness is `number`: above the slot, so that it stays when the slot is replaced."""
    return str(UUID(int=int(NOW.timestamp() * 1000) << 80 | 7 << 76 | 0b10 << 62 | number << 10 | number % 1024))


def numbered_ids(first: int = 1_000) -> Callable[[], str]:
    numbers = count(first)
    return lambda: numbered_id(next(numbers))


EUR, JPY, KWD = Currency("EUR", 2), Currency("JPY", 0), Currency("KWD", 3)
CURRENCIES = {currency.code: currency for currency in (EUR, JPY, KWD)}
CLIENT, USER, ALLOCATION = ClientId(numbered_id(1)), UserId(numbered_id(2)), AllocationId(numbered_id(3))
GROUP = AccountGroupId(in_slot(numbered_id(4), SLOT))
ACCOUNT = account_id(numbered_id(5), GROUP)
VENUE = Venue(VenueId(numbered_id(6)), 1, "Simulated")
WORLD, SAP, APPLE = "IE00B4L5Y983", "DE0007164600", "US0378331005"


def instrument(
    isin: str,
    price: str = "10",
    *,
    minimum: str = "1",
    fractional: bool = True,
    currency: str = "EUR",
    status: TradingStatus = TradingStatus.ACTIVE,
    venue: Venue = VENUE,
) -> Instrument:
    return Instrument(
        isin=isin,
        name=f"Name of {isin}",
        currency=currency,
        minimum_amount=Decimal(minimum),
        fractional=fractional,
        trading_status=status,
        price=Decimal(price),
        venue=venue,
    )


def market(*instruments: Instrument) -> dict[str, Instrument]:
    return {traded.isin: traded for traded in instruments}


def allocation(weights: Mapping[str, str]) -> Allocation:
    entries = tuple(Weight(isin, Decimal(weight)) for isin, weight in weights.items())
    return Allocation(id=ALLOCATION, client_id=CLIENT, name="Growth", weights=entries, created_at=NOW, updated_at=NOW)


def account(
    currency: str = "EUR",
    distribution: Distribution = Distribution.DEFAULT,
    status: AccountStatus = AccountStatus.ACTIVE,
) -> Account:
    return Account(
        id=ACCOUNT,
        client_id=CLIENT,
        user_id=USER,
        account_group_id=GROUP,
        type=AccountType.PORTFOLIO,
        status=status,
        name="",
        currency=currency,
        distribution=distribution,
        account_number=1,
        created_at=NOW,
        updated_at=NOW,
    )


def cash(amount: str, currency: str = "EUR", **more: str) -> Holding:
    """What an account has in cash; `more` may say how much of it is locked, pending or owed."""
    return _holding(currency, AssetType.CASH, amount, more)


def position(isin: str, quantity: str, **more: str) -> Holding:
    """What an account has of an instrument; `more` may say how much of it is locked, pending or owed."""
    return _holding(isin, AssetType.INSTRUMENT, quantity, more)


def _holding(asset: str, asset_type: AssetType, quantity: str, more: Mapping[str, str]) -> Holding:
    numbers = {name: Decimal(number) for name, number in more.items()}
    return Holding(account_id=ACCOUNT, asset=asset, asset_type=asset_type, quantity=Decimal(quantity), **numbers)


def accepted(order: Order) -> OrderAccepted:
    return OrderAccepted(order.id)


def executed(
    order: Order,
    name: str,
    quantity: str,
    cash_amount: str,
    *,
    total: str | None = None,
    price: str = "10",
    settles: date = SETTLEMENT_DATE,
) -> OrderExecuted:
    """An execution report; `total` marks it as the last execution of its order."""
    return OrderExecuted(
        order_id=order.id,
        venue_execution_id=name,
        quantity=Decimal(quantity),
        cash_amount=Decimal(cash_amount),
        price=Decimal(price),
        transaction_time=NOW,
        settlement_date=settles,
        total_quantity=None if total is None else Decimal(total),
    )


def filling(order: Order, name: str = "", *, settles: date = SETTLEMENT_DATE) -> OrderExecuted:
    """The report of one execution for all that an order wants, at its reference price."""
    quantity = f"{quantity_floor(divide(order.cash_amount, order.reference_price)):f}"
    return executed(
        order,
        name or f"fill of {order.id}",
        quantity,
        f"{order.cash_amount}",
        total=quantity,
        price=f"{order.reference_price}",
        settles=settles,
    )


def ended(order: Order, total: str = "0", *, detail: str = "the venue says no") -> OrderEnded:
    return OrderEnded(order.id, detail, Decimal(total))


def events_of(decision: Decision) -> list[Event]:
    """What a decision tells, parent order by parent order."""
    return [event for change in decision.changes.values() for event in change.events]


def event_types(events: Iterable[Event]) -> list[str]:
    return [event.type for event in events]


def types_of(decision: Decision) -> list[str]:
    return event_types(events_of(decision))


def sends_of(decision: Decision) -> list[Order]:
    return [order for change in decision.changes.values() for order in change.sends]


@dataclass
class World:
    """An account's state, the market around it, and all events, postings and sends so far."""

    instruments: dict[str, Instrument]
    allocation: Allocation
    account: Account = field(default_factory=account)
    user_status: UserStatus = UserStatus.ACTIVE
    new_id: Callable[[], str] = field(default_factory=numbered_ids)
    now: datetime = NOW
    events: list[Event] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    sends: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = AccountState(self.account)

    def circumstances(self) -> Circumstances:
        allocations, users = {self.allocation.id: self.allocation}, {USER: self.user_status}
        return Circumstances(self.now, CURRENCIES, self.instruments, allocations, users)

    def say(self, message: Message) -> Decision:
        """Decide a message, and go on from there a second later."""
        return self.keep(decide(self.state, message, self.circumstances()))

    def keep(self, decision: Decision) -> Decision:
        """Go on from what was decided, a second later."""
        state = self.state.copy()
        decision.apply_to(state)
        self.state = state
        self.events += events_of(decision)
        self.postings += decision.postings
        self.sends += sends_of(decision)
        self.now += timedelta(seconds=1)
        return decision

    def become(self, account: Account) -> None:
        """Change the account itself; what it holds and ordered stays."""
        self.state = AccountState(account, self.state.holdings, self.state.parents)

    def hold(self, *holdings: Holding) -> None:
        """Give the account what it has not by any posting."""
        self.state.holdings.update({held.asset: held for held in holdings})

    def deposit(self, amount: str | Decimal) -> Decision:
        return self.say(BookDeposit(DepositId(self.new_id()), Decimal(amount), self.account.currency))

    def accept(self, side: str, amount: str | Decimal, **changes: object) -> ParentOrder:
        """Store a portfolio order as intake does; its message is still to be said."""
        fields: dict[str, object] = {
            "id": parent_order_id(self.new_id(), self.now, ACCOUNT),
            "kind": ParentKind.PORTFOLIO,
            "client_id": CLIENT,
            "user_id": USER,
            "account_id": ACCOUNT,
            "allocation_id": self.allocation.id,
            "cash_amount": Decimal(amount),
            "currency": self.account.currency,
            "type": PortfolioOrderType(side),
            "status": PortfolioOrderStatus.NEW,
            "post_tax": False,
            "client_reference": "",
            "initiation_flow": InitiationFlow.API,
            "created_at": self.now,
            "updated_at": self.now,
        }
        taken = ParentOrder(**fields | changes)
        self.state.parents[taken.id] = taken
        return taken

    def place(self, side: str, amount: str | Decimal, **changes: object) -> ParentOrder:
        taken = self.accept(side, amount, **changes)
        self.place_accepted(taken)
        return self.parent(taken)

    def place_accepted(self, taken: ParentOrder) -> Decision:
        return self.say(PlacePortfolioOrder(taken.id))

    def begin(self, side: str, planned: Plan, *, is_last: bool = True, **changes: object) -> ParentOrder:
        """Accept and announce a parent order without an amount, and open the first wave of it."""
        taken = self.accept(side, "0", **changes)
        decision = Decision(self.state, self.circumstances())
        decision.change(taken.id).announce()
        return self._opened(decision, decision.change(taken.id), planned, is_last=is_last)

    def open_wave(self, parent: ParentOrder, planned: Plan, *, is_last: bool = True) -> ParentOrder:
        """Open one more wave of a parent order, as a message of its own."""
        decision = Decision(self.state, self.circumstances())
        return self._opened(decision, decision.change(parent.id), planned, is_last=is_last)

    def _opened(self, decision: Decision, change: ParentChange, planned: Plan, *, is_last: bool) -> ParentOrder:
        open_wave(decision, change, planned, is_last=is_last)
        self.keep(decision)
        return self.parent(change.parent)

    def report(self, *reports: VenueReport) -> Decision:
        return self.say(ReceiveVenueReports(reports))

    def fill(self, *orders: Order) -> Decision:
        """Let the venue execute all of each order at once, at its reference price."""
        return self.report(*(report for order in orders for report in (accepted(order), filling(order))))

    def settle(self, *parents: ParentOrder | ParentOrderId, due_on: date = SETTLEMENT_DATE) -> Decision:
        ids = tuple(parent.id if isinstance(parent, ParentOrder) else parent for parent in parents)
        return self.say(SettleExecutions(ids, due_on))

    def cancel_execution(self, order: Order, name: str) -> None:
        """Take back what the venue calls `name`, as a message of its own; what it brought stays."""
        decision = Decision(self.state, self.circumstances())
        before = self.order(order)
        trade = next(trade for trade in before.executions if trade.venue_execution_id == name)
        decision.change(order.parent_id).move_execution(before, trade, ExecutionStatus.CANCELLED)
        self.keep(decision)

    def parent(self, parent: ParentOrder) -> ParentOrder:
        """A parent order as it is now."""
        return self.state.parents[parent.id]

    def orders(self, parent: ParentOrder) -> list[Order]:
        return list(self.parent(parent).orders)

    def order(self, order: Order) -> Order:
        """An individual order as it is now."""
        return self.state.parents[order.parent_id].orders[order.leg - 1]

    def holding(self, asset: str) -> Holding:
        return self.state.holdings[asset]

    @property
    def event_types(self) -> list[str]:
        return event_types(self.events)


def stranger(order: Order) -> Order:
    """An individual order like `order`, of a parent order that nobody knows."""
    parent = parent_order_id(numbered_id(999_999), NOW, ACCOUNT)
    return structs.replace(order, id=order_id(parent, order.leg))


def world_of_two(**changes: object) -> World:
    """60 % of a world ETF at 10 EUR, 40 % of a share at 100 EUR."""
    return World(
        market(instrument(WORLD, "10"), instrument(SAP, "100")),
        allocation({WORLD: "0.6", SAP: "0.4"}),
        **changes,
    )
