"""One account in a rough market: whatever is said to it, in whatever order, its books balance after every step."""

from collections import defaultdict
from decimal import ROUND_DOWN, Decimal
from itertools import accumulate, pairwise
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orderlane.domain.account import ZERO, Distribution, Holding
from orderlane.domain.decision import Decision
from orderlane.domain.events import PortfolioOrderSnapshot, topic_of
from orderlane.domain.messages import VenueReport
from orderlane.domain.money import add, quantity_floor
from orderlane.domain.order import (
    EXECUTION_TRANSITIONS,
    ORDER_TRANSITIONS,
    Execution,
    ExecutionStatus,
    Order,
    OrderStatus,
    Side,
)
from orderlane.domain.portfolio_order import PORTFOLIO_ORDER_TRANSITIONS, PortfolioOrder, PortfolioOrderStatus
from tests.unit.domain.worlds import World, accepted, account, allocation, ended, executed, instrument, market

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

cents = st.one_of(st.integers(1, 5_000), st.integers(5_000, 500_000)).map(lambda units: units * CENT)


class AccountMachine(RuleBasedStateMachine):
    """Deposits, BUYs and SELLs, a venue whose reports are shuffled and repeated, settlements."""

    def __init__(self) -> None:
        super().__init__()
        self.deposited = ZERO
        self.waiting: list[VenueReport] = []
        self.delivered: list[VenueReport] = []
        self.statuses: dict[UUID, str] = {}
        self.sequences: dict[UUID, int] = defaultdict(int)

    @initialize(distribution=st.sampled_from(Distribution))
    def open_account(self, distribution: Distribution) -> None:
        self.world = World(INSTRUMENTS, allocation(WEIGHTS), account(distribution=distribution))

    @rule(amount=cents)
    def deposit(self, amount: Decimal) -> None:
        self.follow(self.world.deposit(amount))
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

    @precondition(lambda self: self.executions())
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        known = [one.id for one in self.executions()]
        self.follow(self.world.settle(*data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=8))))

    def place(self, data: st.DataObject, side: str, amount: Decimal) -> None:
        sent = len(self.world.sends)
        taken = self.world.accept(side, amount)
        decision = self.world.place_accepted(taken)
        self.follow(decision)
        legs = self.world.sends[sent:]
        assert sum(leg.cash_amount for leg in legs) == (amount if legs else 0)
        for leg in legs:
            self.waiting += data.draw(venue_stories(leg), leg.isin)

    def deliver(self, reports: list[VenueReport]) -> None:
        self.delivered += reports
        self.follow(self.world.report(*reports))

    def follow(self, decision: Decision) -> None:
        """Every event is a legal step from what was told before, with the next number of its portfolio order."""
        for event in decision.events:
            subject = event.subject
            entity = subject.portfolio_order if isinstance(subject, PortfolioOrderSnapshot) else subject
            step = TABLES[topic_of(event.type)].step(self.statuses.get(entity.id), entity.status)
            assert step.event == event.type
            self.statuses[entity.id] = entity.status
            if isinstance(entity, Execution):
                assert event.sequence is None
            else:
                self.sequences[event.portfolio_order_id] += 1
                assert event.sequence == self.sequences[event.portfolio_order_id]

    def executions(self) -> list[Execution]:
        return [one for order in self.world.state.orders.values() for one in order.executions]

    @invariant()
    def holdings_are_the_sums_of_the_journal(self) -> None:
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
        for entry in self.world.journal:
            before = sums[entry.asset]
            sums[entry.asset] = [*map(add, before, (entry.quantity, entry.locked, entry.pending))]
        held = self.world.state.holdings
        assert {asset: [one.quantity, one.locked, one.pending] for asset, one in held.items()} == sums

    @invariant()
    def nothing_is_overdrawn(self) -> None:
        for one in self.world.state.holdings.values():
            assert min(one.available, one.locked, one.pending) >= 0

    @invariant()
    def what_is_held_came_from_deposits_and_executions(self) -> None:
        expected = defaultdict(lambda: ZERO, {"EUR": self.deposited} if self.deposited else {})
        for one in self.executions():
            sign = 1 if one.side is Side.BUY else -1
            expected["EUR"] -= sign * one.cash_amount
            expected[one.isin] += sign * one.share_quantity
        assert {asset: one.quantity for asset, one in self.world.state.holdings.items()} == expected

    @invariant()
    def what_is_locked_is_what_open_orders_may_still_use(self) -> None:
        expected: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for order in self.world.state.orders.values():
            if not order.is_final:
                buys = order.side is Side.BUY
                used = order.executed_cash_amount if buys else order.executed_quantity
                expected["EUR" if buys else order.isin] += order.locked - used
        self.compare("locked", expected)

    @invariant()
    def what_is_pending_is_what_is_not_settled(self) -> None:
        expected: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for one in self.executions():
            if one.status is ExecutionStatus.FILLED:
                buys = one.side is Side.BUY
                expected[one.isin if buys else "EUR"] += one.share_quantity if buys else one.cash_amount
        self.compare("pending", expected)

    def compare(self, figure: str, expected: dict[str, Decimal]) -> None:
        def nonzero(of: dict[str, Decimal]) -> dict[str, Decimal]:
            return {asset: value for asset, value in of.items() if value}

        held: dict[str, Holding] = self.world.state.holdings
        assert nonzero({asset: getattr(one, figure) for asset, one in held.items()}) == nonzero(expected)

    @invariant()
    def a_portfolio_order_is_where_its_individual_orders_are(self) -> None:
        for one in self.world.state.portfolio_orders.values():
            assert one.sequence == self.sequences[one.id]
            assert one.status in possible_statuses(self.world.orders(one), one)
            assert (one.cancellation_reason is None) == (one.status is not PortfolioOrderStatus.CANCELLED)

    def teardown(self) -> None:
        """In the end all is said: every order is final and nothing is locked."""
        if self.waiting:
            self.deliver(self.waiting)
        if executions := self.executions():
            self.follow(self.world.settle(*(one.id for one in executions)))
        final = {PortfolioOrderStatus.SETTLED, PortfolioOrderStatus.CANCELLED}
        if self.delivered or self.deposited:
            assert {one.status for one in self.world.state.portfolio_orders.values()} <= final
            assert all(one.locked == one.pending == 0 for one in self.world.state.holdings.values())


def possible_statuses(orders: list[Order], one: PortfolioOrder) -> set[PortfolioOrderStatus]:
    """Where a portfolio order may be, told from its individual orders alone."""
    statuses = {order.status for order in orders}
    if not orders:
        return {PortfolioOrderStatus.CANCELLED}
    if statuses == {OrderStatus.FILLED}:
        settled = all(e.status is ExecutionStatus.SETTLED for order in orders for e in order.executions)
        return {PortfolioOrderStatus.SETTLED if settled else PortfolioOrderStatus.FILLED}
    if statuses <= {OrderStatus.FILLED, OrderStatus.CANCELLED}:
        return {PortfolioOrderStatus.CANCELLED}
    if statuses <= {OrderStatus.NEW, OrderStatus.CANCELLED} and not one_was_processed(orders):
        return {PortfolioOrderStatus.NEW, PortfolioOrderStatus.PROCESSING}
    return {PortfolioOrderStatus.PROCESSING}


def one_was_processed(orders: list[Order]) -> bool:
    return any(order.executions for order in orders)


@st.composite
def venue_stories(draw: st.DrawFn, order: Order) -> list[VenueReport]:
    """All that a venue says of one order: refused, or executed in up to three parts, in full or ended early."""
    if draw(st.integers(0, 9)) == 0:
        return [ended(order)]
    parts = draw(st.lists(st.integers(1, 100), min_size=1, max_size=3))
    used = draw(st.sampled_from([Decimal(1), Decimal("0.999"), Decimal("0.5")]))
    moved = draw(st.sampled_from([Decimal("0.97"), Decimal(1), Decimal("1.03")]))
    trades = [one for one in cut(order, parts, used, order.reference_price * moved) if min(one) > 0]
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
        )
        for number, (quantity, amount) in enumerate(trades)
    ]
    return [accepted(order), *reports, *([ended(order, f"{total:f}")] if early else [])]


def cut(order: Order, parts: list[int], used: Decimal, price: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Units and cash of the executions of an order: `used` of its reservation, cut in proportion to `parts`."""
    bounds = [order.locked * used * part / sum(parts) for part in accumulate(parts, initial=0)]
    if order.side is Side.BUY:
        amounts = [floor(high) - floor(low) for low, high in pairwise(bounds)]
        return [(quantity_floor(amount / price), amount) for amount in amounts]
    units = [quantity_floor(high) - quantity_floor(low) for low, high in pairwise(bounds)]
    return [(quantity, floor(quantity * price)) for quantity in units]


def floor(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_DOWN)


TestAccount = AccountMachine.TestCase
