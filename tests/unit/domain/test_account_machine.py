"""One account in a rough market: whatever is said to it, in whatever order, its books balance after every step."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orderlane.domain.account import ZERO, Distribution, Holding
from orderlane.domain.events import Event, ExecutionSnapshot, OrderSnapshot, topic_of
from orderlane.domain.ids import ParentOrderId, leg_of, parent_of, slot_of
from orderlane.domain.lane.reporting import VenueReport
from orderlane.domain.money import add, divide, quantity_floor
from orderlane.domain.order import (
    EXECUTION_TRANSITIONS,
    ORDER_TRANSITIONS,
    Execution,
    ExecutionStatus,
    Order,
    OrderStatus,
    Side,
)
from orderlane.domain.parent_order import ParentOrder
from orderlane.domain.planning import Plan, PlanInput, PlanRefused, plan
from orderlane.domain.portfolio_order import PORTFOLIO_ORDER_TRANSITIONS, PortfolioOrderStatus
from tests.unit.domain.worlds import (
    EUR,
    SLOT,
    World,
    accepted,
    account,
    allocation,
    ended,
    events_of,
    executed,
    instrument,
    market,
)

CENT = Decimal("0.01")
TABLES = {
    "PORTFOLIO_ORDER": PORTFOLIO_ORDER_TRANSITIONS,
    "ORDER": ORDER_TRANSITIONS,
    "EXECUTION": EXECUTION_TRANSITIONS,
}
INSTRUMENTS = market(
    instrument("DE0007164600", "187.34"),
    instrument("IE00B4L5Y983", "9.8765"),
    instrument("NL0010273215", "702.5", fractional=False),
    instrument("US0378331005", "0.0731", minimum="25"),
)
WEIGHTS = {"DE0007164600": "0.35", "IE00B4L5Y983": "0.45", "NL0010273215": "0.15", "US0378331005": "0.05"}

DATES = (date(2021, 7, 22), date(2021, 7, 23), date(2021, 7, 26))

cents = st.one_of(st.integers(1, 5_000), st.integers(5_000, 500_000)).map(lambda units: units * CENT)


class AccountMachine(RuleBasedStateMachine):
    """Deposits, BUYs, SELLs, rebalancings in waves, a venue whose reports are shuffled and repeated, settlements."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(INSTRUMENTS, allocation(WEIGHTS))
        self.deposited = ZERO
        self.waiting: list[VenueReport] = []
        self.delivered: list[VenueReport] = []
        self.statuses: dict[str, str] = {}
        self.sequences: dict[ParentOrderId, int] = defaultdict(int)

    @initialize(
        distribution=st.sampled_from(Distribution), invested=st.sampled_from([None, Decimal(5000), Decimal(9000)])
    )
    def open_account(self, distribution: Distribution, invested: Decimal | None) -> None:
        """Begin with nothing at all, or with 10,000 EUR of which most are invested already."""
        self.world = World(INSTRUMENTS, allocation(WEIGHTS), account(distribution=distribution))
        if invested:
            self.deposit(Decimal(10_000))
            placed = self.world.place("BUY", invested)
            self.world.fill(*placed.orders)
            self.follow(self.world.events)

    @rule(amount=cents)
    def deposit(self, amount: Decimal) -> None:
        self.follow(events_of(self.world.deposit(amount)))
        self.deposited += amount

    @rule(data=st.data(), amount=cents)
    def buy(self, data: st.DataObject, amount: Decimal) -> None:
        self.place(data, "BUY", amount)

    @rule(data=st.data(), amount=cents)
    def sell(self, data: st.DataObject, amount: Decimal) -> None:
        self.place(data, "SELL", amount)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        mixed = data.draw(st.permutations(self.waiting), "reports")
        count = data.draw(st.integers(1, len(mixed)), "how many")
        again = data.draw(st.lists(st.sampled_from(self.delivered), max_size=3), "again") if self.delivered else []
        self.waiting = mixed[count:]
        self.deliver([*again, *mixed[:count]])

    @rule(data=st.data(), amount=cents)
    def rebalance(self, data: st.DataObject, amount: Decimal) -> None:
        """Begin a rebalancing with a wave of SELLs, if there is enough to sell."""
        if planned := self.planned(Side.SELL, amount):
            with self.sending(data, amount):
                self.world.begin("REBALANCING", planned, is_last=False)

    @precondition(lambda self: self.unfinished())
    @rule(data=st.data(), amount=cents, is_last=st.booleans(), side=st.sampled_from(Side))
    def go_on_with_a_rebalancing(self, data: st.DataObject, amount: Decimal, is_last: bool, side: Side) -> None:
        """Open its next wave, whether its first has ended or not."""
        parent = data.draw(st.sampled_from(self.unfinished()), "parent")
        if planned := self.planned(side, amount):
            with self.sending(data, amount):
                self.world.open_wave(parent, planned, is_last=is_last)

    @precondition(lambda self: self.parents())
    @rule(data=st.data(), due_on=st.sampled_from(DATES))
    def settle(self, data: st.DataObject, due_on: date) -> None:
        parents = data.draw(st.lists(st.sampled_from(self.parents()), min_size=1, max_size=4), "parents")
        self.settled(parents, due_on)

    def settled(self, parents: list[ParentOrder], due_on: date) -> None:
        self.follow(events_of(self.world.settle(*parents, due_on=due_on)))
        for parent in parents:
            for order in self.world.orders(parent):
                for trade in order.executions:
                    assert (trade.status is ExecutionStatus.SETTLED) or trade.settlement_date > due_on

    def place(self, data: st.DataObject, side: str, amount: Decimal) -> None:
        taken = self.world.accept(side, amount)
        with self.sending(data, amount):
            self.world.place_accepted(taken)

    @contextmanager
    def sending(self, data: st.DataObject, amount: Decimal) -> Iterator[None]:
        """Follow what is decided within, and let the venue tell of what was sent, some other time."""
        sent, told = len(self.world.sends), len(self.world.events)
        yield
        self.follow(self.world.events[told:])
        legs = self.world.sends[sent:]
        assert sum(leg.cash_amount for leg in legs) == (amount if legs else 0)
        for leg in legs:
            self.waiting += data.draw(venue_stories(leg), leg.isin)

    def planned(self, side: Side, amount: Decimal) -> Plan | None:
        try:
            return plan(
                PlanInput(
                    side=side,
                    amount=amount,
                    currency=EUR,
                    distribution=self.world.account.distribution,
                    allocation=self.world.allocation,
                    holdings=self.world.state.holdings,
                    instruments=self.world.instruments,
                )
            )
        except PlanRefused:
            return None

    def parents(self) -> list[ParentOrder]:
        return list(self.world.state.parents.values())

    def unfinished(self) -> list[ParentOrder]:
        return [parent for parent in self.parents() if not parent.is_last_wave]

    def individual_orders(self) -> list[Order]:
        return [order for parent in self.parents() for order in parent.orders]

    def deliver(self, reports: list[VenueReport]) -> None:
        self.delivered += reports
        self.follow(events_of(self.world.report(*reports)))

    def follow(self, events: list[Event]) -> None:
        """Every event is a legal step from what was told before, with the next number of its parent order."""
        for event in events:
            entity = entity_of(event)
            step = TABLES[topic_of(event.type)].step(self.statuses.get(entity.id), entity.status)
            assert step.event == event.type
            self.statuses[entity.id] = entity.status
            if isinstance(entity, Execution):
                assert event.sequence is None
            else:
                self.sequences[event.subject.parent.id] += 1
                assert event.sequence == self.sequences[event.subject.parent.id]

    def executions(self) -> list[tuple[Order, Execution]]:
        return [(order, trade) for order in self.individual_orders() for trade in order.executions]

    @invariant()
    def holdings_are_the_sums_of_the_journal(self) -> None:
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
        for posting in self.world.postings:
            before = sums[posting.asset]
            sums[posting.asset] = [*map(add, before, (posting.quantity, posting.locked, posting.pending))]
        holdings = self.world.state.holdings
        assert {asset: [held.quantity, held.locked, held.pending] for asset, held in holdings.items()} == sums

    @invariant()
    def nothing_is_overdrawn(self) -> None:
        for held in self.world.state.holdings.values():
            assert min(held.available, held.locked, held.pending) >= 0

    @invariant()
    def what_is_held_came_from_deposits_and_executions(self) -> None:
        expected = defaultdict(lambda: ZERO, {"EUR": self.deposited} if self.deposited else {})
        for order, trade in self.executions():
            sign = 1 if order.side is Side.BUY else -1
            expected["EUR"] -= sign * trade.cash_amount
            expected[order.isin] += sign * trade.share_quantity
        assert {asset: held.quantity for asset, held in self.world.state.holdings.items()} == expected

    @invariant()
    def what_is_locked_is_what_open_orders_may_still_use(self) -> None:
        expected: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for order in self.individual_orders():
            if not order.is_final:
                buys = order.side is Side.BUY
                used = order.executed_cash_amount if buys else order.executed_quantity
                expected["EUR" if buys else order.isin] += order.locked - used
        self.compare("locked", expected)

    @invariant()
    def what_is_pending_is_what_is_not_settled(self) -> None:
        expected: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for order, trade in self.executions():
            if trade.status is ExecutionStatus.FILLED:
                buys = order.side is Side.BUY
                expected[order.isin if buys else "EUR"] += trade.share_quantity if buys else trade.cash_amount
        self.compare("pending", expected)

    def compare(self, figure: str, expected: dict[str, Decimal]) -> None:
        def nonzero(of: dict[str, Decimal]) -> dict[str, Decimal]:
            return {asset: value for asset, value in of.items() if value}

        holdings: dict[str, Holding] = self.world.state.holdings
        assert nonzero({asset: getattr(held, figure) for asset, held in holdings.items()}) == nonzero(expected)

    @invariant()
    def a_parent_order_is_where_its_individual_orders_are(self) -> None:
        for parent in self.parents():
            assert parent.sequence == self.sequences[parent.id]
            assert parent.status in possible_statuses(parent)
            assert (parent.cancellation_reason is None) == (parent.status is not PortfolioOrderStatus.CANCELLED)

    @invariant()
    def ids_say_where_things_belong(self) -> None:
        for parent in self.parents():
            assert slot_of(parent.id) == SLOT
            assert [leg_of(order.id) for order in parent.orders] == list(range(1, len(parent.orders) + 1))
            assert all(parent_of(order.id) == parent.id for order in parent.orders)
            assert {order.wave for order in parent.orders} == set(range(parent.wave))
        ids = [trade.id for _, trade in self.executions()]
        assert len(set(ids)) == len(ids)
        assert all(slot_of(execution_id) == SLOT for execution_id in ids)

    def teardown(self) -> None:
        """In the end all is said: nothing is locked, and every parent order is final that waits for no wave."""
        if self.waiting:
            self.deliver(self.waiting)
        self.settled(self.parents(), DATES[-1])
        open_statuses = {PortfolioOrderStatus.NEW, PortfolioOrderStatus.PROCESSING}
        final = {PortfolioOrderStatus.SETTLED, PortfolioOrderStatus.CANCELLED}
        for parent in self.parents():
            assert parent.status in (final if parent.is_last_wave else open_statuses)
        assert all(held.locked == held.pending == 0 for held in self.world.state.holdings.values())


def entity_of(event: Event) -> ParentOrder | Order | Execution:
    subject = event.subject
    if isinstance(subject, ExecutionSnapshot):
        return subject.execution
    return subject.order if isinstance(subject, OrderSnapshot) else subject.parent


def possible_statuses(parent: ParentOrder) -> set[PortfolioOrderStatus]:
    """Where a parent order may be, told from its individual orders and whether others are to come."""
    statuses = {order.status for order in parent.orders}
    executions = [trade for order in parent.orders for trade in order.executions]
    if not parent.orders:
        return {PortfolioOrderStatus.CANCELLED}
    if parent.is_last_wave and statuses == {OrderStatus.FILLED}:
        is_settled = all(trade.status is ExecutionStatus.SETTLED for trade in executions)
        return {PortfolioOrderStatus.SETTLED if is_settled else PortfolioOrderStatus.FILLED}
    if parent.is_last_wave and statuses <= {OrderStatus.FILLED, OrderStatus.CANCELLED}:
        return {PortfolioOrderStatus.CANCELLED}
    if statuses <= {OrderStatus.NEW, OrderStatus.CANCELLED} and not executions:
        return {PortfolioOrderStatus.NEW, PortfolioOrderStatus.PROCESSING}
    return {PortfolioOrderStatus.PROCESSING}


@st.composite
def venue_stories(draw: st.DrawFn, order: Order) -> list[VenueReport]:
    """All that a venue says of one order: refused, or executed in up to three parts, in full or ended early."""
    if draw(st.integers(0, 9)) == 0:
        return [ended(order)]
    parts = draw(st.lists(st.integers(1, 100), min_size=1, max_size=3))
    used = draw(st.sampled_from([Decimal(1), Decimal("0.999"), Decimal("0.5")]))
    moved = draw(st.sampled_from([Decimal("0.97"), Decimal(1), Decimal("1.03")]))
    trades = [traded for traded in cut(order, parts, used, order.reference_price * moved) if min(traded) > 0]
    quantities = [quantity for quantity, _ in trades]
    total = sum(quantities, ZERO)
    last = len(trades) - 1
    early = draw(st.integers(0, 5)) == 0 or not trades
    reports = [
        executed(
            order,
            f"{order.id}-{number}",
            f"{quantity:f}",
            f"{amount:f}",
            total=f"{total:f}" if number == last and not early else None,
            price=f"{order.reference_price * moved:f}",
            settles=draw(st.sampled_from(DATES)),
        )
        for number, (quantity, amount) in enumerate(trades)
    ]
    return [accepted(order), *reports, *([ended(order, f"{total:f}")] if early else [])]


def cut(order: Order, parts: list[int], used: Decimal, price: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Units and cash of the executions of an order: `used` of its reservation, cut in proportion to `parts`."""
    bounds = [divide(order.locked * used * part, Decimal(sum(parts))) for part in accumulate(parts, initial=0)]
    if order.side is Side.BUY:
        amounts = [floor(high) - floor(low) for low, high in pairwise(bounds)]
        return [(quantity_floor(divide(amount, price)), amount) for amount in amounts]
    units = [quantity_floor(high) - quantity_floor(low) for low, high in pairwise(bounds)]
    return [(quantity, floor(quantity * price)) for quantity in units]


def floor(amount: Decimal) -> Decimal:
    return EUR.floor(amount)


TestAccount = AccountMachine.TestCase
