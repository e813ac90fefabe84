"""What every venue must do, whatever is behind it: derive a test class from `VenueConformance` and give `open_venue`.

The checks are plain asynchronous methods with plain assertions: pytest with pytest-asyncio runs them as tests, and
`run_checks` runs them without any framework.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Final

from msgspec import structs

from orderlane.domain.ids import AccountId, OrderId, ParentOrderId, order_id
from orderlane.domain.lane.reporting import OrderAccepted, OrderExecuted, VenueReport, refuse_impossible
from orderlane.domain.money import require_exactness, total
from orderlane.domain.order import Side
from orderlane.ports.venue import ACCEPTED, Answer, SendResult, Venue, VenueOrder
from orderlane.resources.formats import CURRENCIES
from orderlane.sources import system_sources

WAIT_SECONDS_MAX: Final = 30
ISINS: Final = ("IE00B4L5Y983", "IE00BKM4GZ66", "DE0007164600", "NL0010273215")

_new_id = system_sources().ids.new_id


def sample_order(side: Side = Side.BUY, lane: int = 0, **changes: object) -> VenueOrder:
    """An order for 250.00 EUR of a fractional instrument at about 103.45 EUR, with other values in some fields."""
    order = VenueOrder(
        order_id=order_id(ParentOrderId(_new_id()), 1),
        account_id=AccountId(_new_id()),
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
    return structs.replace(order, **changes)


class Heard:
    """All that was said of some orders, and whether each is at its end."""

    def __init__(self, reports: Sequence[VenueReport] = ()) -> None:
        self.reports = list(reports)

    def executions(self, order_id: OrderId) -> dict[str, OrderExecuted]:
        """What was executed, by the venue's execution id.

        Raises:
            AssertionError: a repetition has other figures.
        """
        executions: dict[str, OrderExecuted] = {}
        for report in self.reports:
            if isinstance(report, OrderExecuted) and report.order_id == order_id:
                known = executions.setdefault(report.venue_execution_id, report)
                assert figures(known) == figures(report), f"{known} is repeated as {report}"
        return executions

    def executed_quantity(self, order_id: OrderId) -> Decimal:
        """The units of all executions."""
        return total(report.quantity for report in self.executions(order_id).values())

    def named_total(self, order_id: OrderId) -> Decimal | None:
        """The total that the venue named for the order, None while it named none.

        Raises:
            AssertionError: it named several.
        """
        of_order = (report for report in self.reports if report.order_id == order_id)
        ends = (report for report in of_order if not isinstance(report, OrderAccepted))
        totals = {report.total_quantity for report in ends if report.total_quantity is not None}
        assert len(totals) <= 1, f"several totals of {order_id}: {totals}"
        return next(iter(totals), None)

    def is_over(self, order_id: OrderId) -> bool:
        """Whether the order is at its end and every execution of it is there."""
        return self.named_total(order_id) == self.executed_quantity(order_id)

    async def listen(self, venue: Venue, orders: Sequence[VenueOrder]) -> None:
        """Listen until all the orders are at their end.

        Raises:
            TimeoutError: they are not within `WAIT_SECONDS_MAX`.
        """
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not all(self.is_over(order.order_id) for order in orders):
                self.reports += await venue.next_reports()


def figures(report: OrderExecuted) -> tuple[Decimal, Decimal, Decimal]:
    """What must be the same whenever an execution is reported; its times need not be."""
    return report.quantity, report.cash_amount, report.price


def _said(report: VenueReport) -> tuple[object, ...]:
    """A report without its times, which a venue without memory cannot repeat."""
    if isinstance(report, OrderExecuted):
        return report.order_id, report.venue_execution_id, figures(report)
    return report.order_id, type(report)


def _executed(heard: Heard, orders: Sequence[VenueOrder]) -> set[tuple[object, ...]]:
    return {_said(report) for order in orders for report in heard.executions(order.order_id).values()}


class VenueConformance:
    """Derive from it, and give `open_venue`; give `orders` too where the venue does not trade these."""

    def setup_method(self) -> None:
        """Have decimals be exact or raise, as they are in the gateway's process. Called by pytest before each check."""
        require_exactness()

    def open_venue(self) -> AbstractAsyncContextManager[Venue]:
        """A venue; each call is a new process at the same market.

        Raises:
            NotImplementedError: the derived class has to give it.
        """
        raise NotImplementedError

    def orders(self) -> list[VenueOrder]:
        """New orders of both sides that the venue takes and executes, in fractions and in whole units."""
        return [
            *(sample_order(isin=isin, lane=lane) for lane, isin in enumerate(ISINS)),
            *(sample_order(Side.SELL, isin=isin) for isin in ISINS),
            *(sample_order(fractional=False, isin=isin) for isin in ISINS),
        ]

    async def test_an_accepted_order_is_acknowledged_and_comes_to_its_end(self) -> None:
        """Check that each order is acknowledged, executed, and said to be complete."""
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            assert list(await venue.send(orders)) == [ACCEPTED] * len(orders), "every order is accepted"
            await heard.listen(venue, orders)

        acknowledged = {report.order_id for report in heard.reports if isinstance(report, OrderAccepted)}
        assert acknowledged == {order.order_id for order in orders}, "every order is acknowledged"
        assert all(heard.executions(order.order_id) for order in orders), "every order is executed"

    async def test_no_execution_goes_beyond_the_order(self) -> None:
        """Check that executions stay within amount and reservation, in figures that can be booked."""
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            await heard.listen(venue, orders)

        for order in orders:
            executions = heard.executions(order.order_id).values()
            cash = total(report.cash_amount for report in executions)
            assert (cash if order.side is Side.BUY else heard.executed_quantity(order.order_id)) <= order.limit
            assert cash <= order.cash_amount
            for report in executions:
                _check_figures(order, report)

    async def test_an_order_sent_twice_is_executed_once(self) -> None:
        """Check that the order's id keeps the venue from trading it again."""
        orders, heard, again = self.orders(), Heard(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            assert list(await venue.send(orders)) == [ACCEPTED] * len(orders), "a repeated order is accepted again"
            await heard.listen(venue, orders)
            await venue.send(orders)
            await venue.ask_status(orders)
            await again.listen(venue, orders)

        assert _executed(heard, orders) == _executed(again, orders)

    async def test_status_of_an_unknown_order_is_that_it_is_taken(self) -> None:
        """Check that an order that never arrived is taken when its status is asked for."""
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.ask_status(orders)
            await heard.listen(venue, orders)

        assert all(heard.executions(order.order_id) for order in orders)

    async def test_a_new_process_hears_of_the_very_same_executions(self) -> None:
        """Check that executions keep their ids and figures over a restart."""
        orders, before, after = self.orders(), Heard(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            before.reports += await venue.next_reports()
        async with self.open_venue() as venue:
            await venue.ask_status(orders)
            await after.listen(venue, orders)

        assert _executed(before, orders) <= _executed(after, orders)

    async def test_what_was_said_is_said_again_when_asked(self) -> None:
        """Check that asking for the status repeats every report."""
        orders, heard, again = self.orders(), Heard(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            heard.reports += await venue.next_reports()
            await venue.ask_status(orders)
            await again.listen(venue, orders)

        assert {_said(report) for report in heard.reports} <= {_said(report) for report in again.reports}

    async def test_a_forgotten_lane_is_silent(self) -> None:
        """Check that nothing is said of lanes that another gateway serves, until it is asked for."""
        kept, forgotten = sample_order(lane=1), sample_order(lane=2)
        heard = Heard()
        async with self.open_venue() as venue:
            await venue.send([forgotten, kept])
            await venue.forget({2})
            await heard.listen(venue, [kept])
            assert {report.order_id for report in heard.reports} == {kept.order_id}

            await venue.ask_status([forgotten])
            await heard.listen(venue, [forgotten])

    async def test_giving_up_waiting_loses_nothing(self) -> None:
        """Check that a wait for reports may be cancelled."""
        order, heard = sample_order(), Heard()
        async with self.open_venue() as venue:
            waiting = asyncio.ensure_future(venue.next_reports())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await venue.send([order])
            await heard.listen(venue, [order])

        assert heard.executions(order.order_id)

    async def test_a_cancelled_order_ends_with_what_was_traded_before(self) -> None:
        """Check that a cancel that is accepted ends the order, once, and that a refused one lets it take its course."""
        orders, heard, again = self.orders(), Heard(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            _check_answers(await venue.cancel(orders))
            await heard.listen(venue, orders)
            await venue.cancel(orders)
            await venue.ask_status(orders)
            await again.listen(venue, orders)

        assert _executed(heard, orders) == _executed(again, orders), "nothing is traded after the end"

    async def test_a_cancel_of_an_order_at_its_end_is_refused(self) -> None:
        """Check that a cancel comes too late for what is executed in full."""
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            await heard.listen(venue, orders)
            assert [result.answer for result in await venue.cancel(orders)] == [Answer.REFUSED] * len(orders)
            await venue.ask_status(orders)
            await heard.listen(venue, orders)

        assert all(heard.is_over(order.order_id) for order in orders)

    async def test_a_cancel_in_a_new_process_contradicts_nothing_that_was_said(self) -> None:
        """Check that the end of an order counts what a former process has reported of it."""
        orders, heard = self.orders(), Heard()
        async with self.open_venue() as venue:
            await venue.send(orders)
            heard.reports += await venue.next_reports()
        async with self.open_venue() as venue:
            _check_answers(await venue.cancel(orders))
            await venue.ask_status(orders)
            await heard.listen(venue, orders)


def _check_figures(order: VenueOrder, report: OrderExecuted) -> None:
    refuse_impossible(CURRENCIES[order.currency], report)
    assert report.cash_amount > 0, report
    assert report.settlement_date > report.transaction_time.date(), report


def _check_answers(results: Sequence[SendResult]) -> None:
    assert {result.answer for result in results} <= {Answer.ACCEPTED, Answer.REFUSED}, results


async def run_checks(conformance: VenueConformance) -> list[str]:
    """Run every check, one after the other; their names.

    Raises:
        AssertionError: the venue fails one of them.
        ExecutionImpossible: it reports a figure that cannot be booked.
        TimeoutError: it does not say what it should within `WAIT_SECONDS_MAX`.
    """
    names = [name for name in dir(conformance) if name.startswith("test_")]
    require_exactness()
    for name in names:
        await getattr(conformance, name)()
    return names
