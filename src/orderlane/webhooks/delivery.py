"""Delivery to one subscription: one request at a time, each package until it is delivered, so that order holds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import structlog
from msgspec import Struct

from orderlane.ports.deliveries import CursorMoved, DeliveryState, DeliveryStore, Failure, Package
from orderlane.ports.feed import FeedSegment
from orderlane.ports.webhooks import Attempt, Subscription, WebhookNotSent, WebhookResponse, WebhookTransport
from orderlane.sources import Sources
from orderlane.webhooks.batching import Batch, package_body
from orderlane.webhooks.cursors import with_lanes_stopped
from orderlane.webhooks.fair_shares import FairShares
from orderlane.webhooks.forks import lanes_to_stop, remaining_package
from orderlane.webhooks.outcomes import Outcome, outcome_of
from orderlane.webhooks.reading import EventReader, loop_time, wait_until
from orderlane.webhooks.schedule import RetrySchedule
from orderlane.webhooks.signing import KeyRing, SubscriptionSigner
from orderlane.webhooks.tail import Tail

IN_FLIGHT_MAX: Final = 1000
"""How many requests a sender has in flight, at most, unless it is told otherwise."""

_log = structlog.get_logger("orderlane.webhooks")


class EventsMissing(Exception):
    """The events of a stored package are no longer there, so it cannot be sent again."""

    def __init__(self, package_id: str) -> None:
        super().__init__(package_id)
        self.package_id = package_id

    def __str__(self) -> str:
        return f"the events of package {self.package_id} are no longer stored"


class Request(Struct, frozen=True, kw_only=True):
    """A package as it is sent; `failures` counts its attempts so far."""

    package: Package
    segments: Sequence[FeedSegment]
    body: bytes
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryParts:
    """What all deliveries of a sender share."""

    store: DeliveryStore
    tail: Tail
    transport: WebhookTransport
    ring: KeyRing
    sources: Sources
    schedule: RetrySchedule
    shares: FairShares


class Delivery:
    """Delivers a subscription's events until it is told to stop."""

    def __init__(self, subscription: Subscription, parts: DeliveryParts) -> None:
        self._subscription = subscription
        self._store = parts.store
        self._tail = parts.tail
        self._transport = parts.transport
        self._sources = parts.sources
        self._schedule = parts.schedule
        self._shares = parts.shares
        self._signer = SubscriptionSigner(subscription, parts.ring)
        self._reader: EventReader | None = None
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask it to end; a request in flight is waited for."""
        self._stop.set()
        if self._reader is not None:
            self._reader.wake()

    async def run(self) -> None:
        """Deliver until `stop` is called, or the subscription is gone or owned by another session.

        Raises:
            StoreUnavailable: the database is lost.
            EventsMissing: the events of the package in flight are gone.
        """
        try:
            while not self._stop.is_set():
                state = await self._store.state(self._subscription)
                if state is None:
                    return
                await self._continue(state)
        except CursorMoved:
            _log.warning("delivery_ended", subscription_id=self._subscription.id, reason="cursor_moved")

    async def _continue(self, state: DeliveryState) -> None:
        """Stop lanes, wait, or deliver; in any case the state is read again afterwards, as after a crash."""
        forked = lanes_to_stop(state)
        if forked:
            await self._stop_lanes(state, forked)
        elif state.package is not None and state.wait_seconds > 0:
            await wait_until(self._stop, loop_time() + state.wait_seconds)
        else:
            await self._deliver(state)

    async def _stop_lanes(self, state: DeliveryState, lanes: frozenset[int]) -> None:
        """Stop lanes whose history forked; the others go on."""
        package = remaining_package(state, lanes)
        await self._store.stop_lanes(self._subscription, state, with_lanes_stopped(state.cursor, lanes), package)
        _log.error(
            "cursor_forked",
            subscription_id=self._subscription.id,
            lanes=sorted(lanes),
            cursor_epoch=state.epoch,
            epoch=max(epoch.number for epoch in state.epochs),
            drops_package=state.package is not None and package is None,
        )

    async def _deliver(self, state: DeliveryState) -> None:
        """Deliver from where it stands until an attempt fails."""
        request = await self._resumed(state)
        cursor = state.package.reached if state.package else state.cursor
        self._reader = reader = EventReader(self._subscription, cursor, self._store, self._tail)
        try:
            await self._deliver_from(reader, request)
        finally:
            reader.close()

    async def _deliver_from(self, reader: EventReader, request: Request | None) -> None:
        while not self._stop.is_set():
            request = request or await self._next_request(reader)
            if request is None:
                return
            attempted = await self._attempt(request, reader)
            if attempted is None:
                return
            outcome, attempt = attempted
            if outcome.error_code is not None:
                await self._failed(request, outcome, attempt)
                return
            request = await self._delivered(request, attempt, reader)

    async def _resumed(self, state: DeliveryState) -> Request | None:
        """The package that is not delivered yet, rebuilt to the byte."""
        package = state.package
        if package is None:
            return None
        segments = await self._store.read_package(package, state.cursor)
        if not segments:
            raise EventsMissing(package.id)
        body = package_body(segments, self._subscription.id)
        return Request(package=package, segments=segments, body=body, failures=state.attempts)

    async def _next_request(self, reader: EventReader) -> Request | None:
        """Wait for the next batch and store it as a package; None once it is to stop."""
        batch = await reader.next_batch(self._stop)
        if batch is None:
            return None
        request = self._packed(batch)
        await self._store.freeze(self._subscription, request.package, batch.after)
        return request

    def _packed(self, batch: Batch) -> Request:
        sources, subscription = self._sources, self._subscription
        package = Package(
            id=sources.ids.new_id(),
            created_at=sources.clock.now(),
            reached=batch.reached,
            filter=subscription.filter,
        )
        body = package_body(batch.segments, subscription.id)
        return Request(package=package, segments=batch.segments, body=body)

    async def _attempt(self, request: Request, reader: EventReader) -> tuple[Outcome, Attempt] | None:
        """Send once over a connection of the client's share, once there is one; None if it is to stop before."""
        client_id = self._subscription.client_id
        if not await self._shares.acquire(client_id, self._stop):
            return None
        try:
            return await self._sent_reading_ahead(request, reader)
        finally:
            self._shares.release(client_id)

    async def _sent_reading_ahead(self, request: Request, reader: EventReader) -> tuple[Outcome, Attempt]:
        """Send if the subscription is still owned, however long it waited for a connection, and read ahead."""
        await self._store.confirm(self._subscription)
        reading = asyncio.create_task(reader.read_ahead())
        try:
            outcome, attempt = await self._sent(request)
            await reading
        finally:
            reading.cancel()
        return outcome, attempt

    async def _sent(self, request: Request) -> tuple[Outcome, Attempt]:
        sent_at, began = self._sources.clock.now(), perf_counter()
        headers = self._signer.sign(request.package.id, sent_at, request.body)
        result: WebhookResponse | WebhookNotSent
        try:
            result = await self._transport.post(
                self._subscription.url, headers, request.body, client_id=self._subscription.client_id
            )
        except WebhookNotSent as reason:
            result = reason
        latency_ms = round((perf_counter() - began) * 1000)
        outcome = outcome_of(result, self._sources.clock.now())
        return outcome, Attempt(
            id=self._sources.ids.new_id(),
            package_id=request.package.id,
            attempt=request.failures + 1,
            sent_at=sent_at,
            latency_ms=latency_ms,
            status_code=outcome.status_code,
            error_code=outcome.error_code,
            body_bytes=len(request.body),
            event_ids=list(chain.from_iterable(segment.ids for segment in request.segments)),
        )

    async def _delivered(self, request: Request, attempt: Attempt, reader: EventReader) -> Request | None:
        """Move the cursor, and in the same statement store the next package if one is due."""
        batch = None if self._stop.is_set() else reader.due_batch()
        following = self._packed(batch) if batch else None
        await self._store.complete(
            self._subscription, request.package, attempt, following.package if following else None
        )
        self._tell(request, attempt, outcome="delivered")
        return following

    async def _failed(self, request: Request, outcome: Outcome, attempt: Attempt) -> None:
        """Note when the very same package is sent again, or that the receiver wants nothing more."""
        if outcome.disables:
            self._stop.set()
            failure = Failure(retry_in=None, disabled_reason=f"{outcome.detail}: nothing more is wanted there")
        else:
            jitter = int.from_bytes(self._sources.tokens.token_bytes(4)) / 2**32
            failure = Failure(retry_in=self._schedule.wait(attempt.attempt, jitter, outcome.retry_after))
        await self._store.fail(self._subscription, request.package, attempt, failure)
        self._tell(
            request,
            attempt,
            outcome="disabled" if failure.retry_in is None else "retry_scheduled",
            fault=outcome.fault,
            detail=outcome.detail,
            retry_in_seconds=failure.retry_in and round(failure.retry_in.total_seconds(), 3),
        )

    def _tell(self, request: Request, attempt: Attempt, **more: object) -> None:
        """One line for each attempt."""
        age = self._sources.business_clock.now() - request.segments[0].created_at
        log = _log.info if attempt.error_code is None else _log.warning
        log(
            "webhook_attempt",
            subscription_id=self._subscription.id,
            host=urlsplit(self._subscription.url).hostname,
            package_id=attempt.package_id,
            attempt=attempt.attempt,
            events=len(attempt.event_ids),
            body_bytes=attempt.body_bytes,
            status=attempt.status_code,
            error=attempt.error_code,
            latency_ms=attempt.latency_ms,
            oldest_event_ms=round(age / timedelta(milliseconds=1)) - attempt.latency_ms,
            **more,
        )


class Deliveries:
    """The deliveries of one sender: over one transport, signed with the keys of one ring, fed by one tail."""

    def __init__(
        self,
        store: DeliveryStore,
        transport: WebhookTransport,
        ring: KeyRing,
        sources: Sources,
        schedule: RetrySchedule | None = None,
        shares: FairShares | None = None,
    ) -> None:
        self._tail = Tail(store)
        self._parts = DeliveryParts(
            store=store,
            tail=self._tail,
            transport=transport,
            ring=ring,
            sources=sources,
            schedule=schedule or RetrySchedule(),
            shares=shares or FairShares(IN_FLIGHT_MAX),
        )

    def begin(self, subscription: Subscription) -> Delivery:
        """Make the delivery to a subscription; it is for the caller to run it."""
        return Delivery(subscription, self._parts)

    async def look(self, heads: Sequence[int] | None) -> None:
        """Tell the deliveries that there may be new events, or by the `heads` whether there are.

        Raises:
            StoreUnavailable: the database is lost.
        """
        await self._tail.look(heads)

    async def refresh_keys(self) -> None:
        """Look up the keys that sign from now on.

        Raises:
            StoreUnavailable: the database is lost.
        """
        await self._parts.ring.refresh()
