"""What every venue must do, whatever is behind it: a test class to inherit from."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

from orderlane.domain.messages import OrderAccepted, OrderExecuted
from orderlane.domain.order import Side
from orderlane.ports.venue import AddressedReport, SendResult, Venue, VenueOrder

WAIT_SECONDS_MAX = 30
ISINS = ("IE00B4L5Y983", "IE00BKM4GZ66", "DE0007164600", "NL0010273215")


def venue_order(side: Side = Side.BUY, lane: int = 0, **changes: object) -> VenueOrder:
    """An order for 250.00 EUR of a fractional instrument at about 103.45 EUR."""
    order = VenueOrder(
        order_id=uuid4(),
        portfolio_order_id=uuid4(),
        account_id=uuid4(),
        lane=lane,
        side=side,
        isin=ISINS[0],
        cash_amount=Decimal("250.00"),
        quantity=Decimal(0),
        limit=Decimal("250.00") if side is Side.BUY else Decimal("2.7"),
        currency="EUR",
        reference_price=Decimal("103.45"),
        fractional=True,
    )
    return replace(order, **changes)  # type: ignore[arg-type]


class Heard:
    """All that was said of some orders, and whether each is at its end."""

    def __init__(self) -> None:
        self.reports: list[AddressedReport] = []

    def executions(self, order_id: UUID) -> dict[str, OrderExecuted]:
        """What was executed, by the venue's execution id; a repetition must have the same figures."""
        found: dict[str, OrderExecuted] = {}
        for one in self.reports:
            if isinstance(one.report, OrderExecuted) and one.report.order_id == order_id:
                known = found.setdefault(one.report.venue_execution_id, one.report)
                assert figures(known) == figures(one.report)
        return found

    def total(self, order_id: UUID) -> Decimal | None:
        """The total that the venue named for the order, None while it named none."""
        of_order = (one.report for one in self.reports if one.report.order_id == order_id)
        totals = (one.total_quantity for one in of_order if not isinstance(one, OrderAccepted))
        return next((one for one in totals if one is not None), None)

    def is_over(self, order_id: UUID) -> bool:
        """Whether the order is at its end and every execution of it is there."""
        total = self.total(order_id)
        return total is not None and total == sum(one.quantity for one in self.executions(order_id).values())

    async def listen(self, venue: Venue, orders: Sequence[VenueOrder]) -> None:
        """Listen until all the orders are at their end."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not all(self.is_over(one.order_id) for one in orders):
                self.reports += await venue.next_reports()


def said(one: AddressedReport) -> tuple[object, ...]:
    """A report without its times, which a venue without memory can't repeat."""
    report = one.report
    if isinstance(report, OrderExecuted):
        return report.order_id, report.venue_execution_id, figures(report)
    return report.order_id, type(report)


def figures(report: OrderExecuted) -> tuple[Decimal, Decimal, Decimal]:
    return report.quantity, report.cash_amount, report.price


class VenueConformance:
    """Inherit, and give `open_venue`: each call is a new process at the same market."""

    def open_venue(self) -> AbstractAsyncContextManager[Venue]:
        raise NotImplementedError

    def orders(self) -> list[VenueOrder]:
        return [
            *(venue_order(isin=isin, lane=lane) for lane, isin in enumerate(ISINS)),
            *(venue_order(Side.SELL, isin=isin) for isin in ISINS),
            *(venue_order(fractional=False, isin=isin) for isin in ISINS),
        ]

    async def test_an_accepted_order_is_acknowledged_and_comes_to_its_end(self) -> None:
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            assert await venue.send(orders) == [SendResult.ACCEPTED] * len(orders)
            await heard.listen(venue, orders)

        acknowledged = {one.report.order_id for one in heard.reports if isinstance(one.report, OrderAccepted)}
        assert acknowledged == {one.order_id for one in orders}
        assert all(heard.executions(one.order_id) for one in orders)

    async def test_no_execution_goes_beyond_the_order(self) -> None:
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            await heard.listen(venue, orders)

        for order in orders:
            executions = heard.executions(order.order_id).values()
            used = sum(one.cash_amount if order.side is Side.BUY else one.quantity for one in executions)
            assert used <= order.limit
            assert sum(one.cash_amount for one in executions) <= order.cash_amount
            for one in executions:
                assert one.cash_amount > 0
                assert one.cash_amount == one.cash_amount.quantize(Decimal("0.01"))
                assert one.quantity > 0
                assert one.quantity == one.quantity.quantize(Decimal("1e-10"))
                assert one.price > 0
                assert one.settlement_date > one.transaction_time.date()

    async def test_reports_carry_the_order_that_they_are_about(self) -> None:
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            await heard.listen(venue, orders)
            assert {one.report.venue_id for one in heard.reports if isinstance(one.report, OrderExecuted)} == {venue.id}

        by_id = {one.order_id: one for one in orders}
        assert all(one.order == by_id[one.report.order_id] for one in heard.reports)

    async def test_an_order_sent_twice_is_executed_once(self) -> None:
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            assert await venue.send(orders) == [SendResult.ACCEPTED] * len(orders)
            await heard.listen(venue, orders)
            await venue.send(orders)
            await venue.ask_status(orders)
            again = Heard()
            await again.listen(venue, orders)

        assert executed(heard, orders) == executed(again, orders)

    async def test_status_of_an_unknown_order_is_that_it_is_taken(self) -> None:
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.ask_status(orders)
            await heard.listen(venue, orders)

        assert all(heard.executions(one.order_id) for one in orders)

    async def test_a_new_process_hears_of_the_very_same_executions(self) -> None:
        orders, before, after = self.orders(), Heard(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            before.reports += await venue.next_reports()
        async with self.open_venue() as venue:
            await venue.ask_status(orders)
            await after.listen(venue, orders)

        for order in orders:
            known = before.executions(order.order_id)
            assert {one: figures(report) for one, report in known.items()}.items() <= {
                one: figures(report) for one, report in after.executions(order.order_id).items()
            }.items()

    async def test_what_was_said_is_said_again_when_asked(self) -> None:
        orders, heard, again = self.orders(), Heard(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            heard.reports += await venue.next_reports()
            await venue.ask_status(orders)
            await again.listen(venue, orders)

        assert {said(one) for one in heard.reports} <= {said(one) for one in again.reports}

    async def test_a_forgotten_lane_is_silent(self) -> None:
        kept, forgotten = venue_order(lane=1), venue_order(lane=2)
        heard = Heard()
        async with self.open_venue() as venue:
            await venue.send([forgotten, kept])
            await venue.forget({2})
            await heard.listen(venue, [kept])
            assert {one.order.lane for one in heard.reports} == {1}

            await venue.ask_status([forgotten])
            await heard.listen(venue, [forgotten])

    async def test_giving_up_waiting_loses_nothing(self) -> None:
        order, heard = venue_order(), Heard()
        async with self.open_venue() as venue:
            waiting = asyncio.create_task(venue.next_reports())  # type: ignore[arg-type]
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await venue.send([order])
            await heard.listen(venue, [order])

        assert heard.executions(order.order_id)


def executed(heard: Heard, orders: Sequence[VenueOrder]) -> dict[UUID, set[tuple[str, tuple[Decimal, ...]]]]:
    return {
        order.order_id: {(one, figures(report)) for one, report in heard.executions(order.order_id).items()}
        for order in orders
    }
