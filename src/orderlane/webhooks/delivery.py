"""Delivery to one subscription: one request at a time, each package until it is delivered, so that order holds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from orderlane.ports.deliveries import CursorMoved, DeliveryState, DeliveryStore, Failure, Package, PendingEvent
from orderlane.ports.webhooks import Attempt, Subscription, WebhookNotSent, WebhookResponse, WebhookTransport
from orderlane.sources import Sources
from orderlane.webhooks.batching import Batch, package_body
from orderlane.webhooks.outcomes import Outcome, outcome_of
from orderlane.webhooks.reading import EventReader, wait_until
from orderlane.webhooks.schedule import RetrySchedule
from orderlane.webhooks.signing import KeyRing, SubscriptionSigner
from orderlane.webhooks.tail import Tail

_log = structlog.get_logger("orderlane.webhooks")


class EventsMissing(Exception):
    """The events of a stored package are no longer there, so it can't be sent again."""

    def __init__(self, package_id: UUID) -> None:
        super().__init__(package_id)
        self.package_id = package_id

    def __str__(self) -> str:
        return f"the events of package {self.package_id} are no longer stored"


@dataclass(frozen=True, slots=True)
class Request:
    """A package as it is sent; `failures` counts its attempts so far."""

    package: Package
    events: Sequence[PendingEvent]
    body: bytes
    failures: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What all deliveries of a sender share."""

    store: DeliveryStore
    tail: Tail
    transport: WebhookTransport
    ring: KeyRing
    sources: Sources
    schedule: RetrySchedule


class Delivery:
    """Delivers a subscription's events until it is told to stop."""

    def __init__(self, subscription: Subscription, parts: DeliveryParts) -> None:
        self._subscription = subscription
        self._store = parts.store
        self._tail = parts.tail
        self._transport = parts.transport
        self._sources = parts.sources
        self._schedule = parts.schedule
        self._signer = SubscriptionSigner(subscription, parts.ring)
        self._reader: EventReader | None = None
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask it to end; a request in flight is waited for."""
        self._stop.set()
        if self._reader is not None:
            self._reader.wake()

    async def run(self) -> None:
        """Deliver until `stop` is called, or the subscription is gone or in other hands. Raises StoreUnavailable."""
        try:
            while not self._stop.is_set():
                state = await self._store.state(self._subscription.id)
                if state is None:
                    return
                await self._deliver(state)
        except CursorMoved:
            _log.warning("delivery gave way", subscription_id=str(self._subscription.id))

    async def _deliver(self, state: DeliveryState) -> None:
        """Deliver from where it stands until an attempt fails: then everything is read anew, as after a crash."""
        request = await self._resumed(state)
        cursor = state.package.reached if state.package else state.cursor
        clock = self._sources.clock
        self._reader = reader = EventReader(self._subscription, cursor, self._store, self._tail, clock)
        try:
            await self._deliver_from(reader, request)
        finally:
            reader.close()

    async def _deliver_from(self, reader: EventReader, request: Request | None) -> None:
        while not self._stop.is_set():
            request = request or await self._next_request(reader)
            if request is None:
                return
            outcome, attempt = await self._attempt(request, reader)
            if outcome.error_code is not None:
                await self._failed(request, outcome, attempt)
                return
            request = await self._delivered(request, attempt, reader)

    async def _resumed(self, state: DeliveryState) -> Request | None:
        """The package that is not delivered yet, rebuilt to the byte, when its next attempt is due."""
        package = state.package
        if package is None:
            return None
        await wait_until(self._stop, state.next_attempt_at or package.created_at, self._sources.clock)
        events = await self._store.read_package(package, state.cursor)
        if not events:
            raise EventsMissing(package.id)
        return Request(package, events, package_body(events, self._subscription.id), state.attempts)

    async def _next_request(self, reader: EventReader) -> Request | None:
        """Wait for the next batch and store it as a package; None once it is to stop."""
        batch = await reader.next_batch(self._stop)
        if batch is None:
            return None
        request = self._packed(batch)
        await self._store.freeze(self._subscription.id, request.package, batch.after)
        return request

    def _packed(self, batch: Batch) -> Request:
        one, sources = self._subscription, self._sources
        package = Package(sources.ids.new_id(), sources.clock.now(), batch.reached, one.filter)
        return Request(package, batch.events, package_body(batch.events, one.id))

    async def _attempt(self, request: Request, reader: EventReader) -> tuple[Outcome, Attempt]:
        """Send once, and read ahead meanwhile."""
        reading = asyncio.create_task(reader.read_ahead())
        try:
            sent_at = self._sources.clock.now()
            began = perf_counter()
            result = await self._sent(request, sent_at)
            latency_ms = round((perf_counter() - began) * 1000)
            await reading
        finally:
            reading.cancel()
        outcome = outcome_of(result, self._sources.clock.now())
        return outcome, self._noted(request, outcome, sent_at, latency_ms)

    async def _sent(self, request: Request, now: datetime) -> WebhookResponse | WebhookNotSent:
        headers = self._signer.sign(str(request.package.id), now, request.body)
        try:
            return await self._transport.post(self._subscription.url, headers, request.body)
        except WebhookNotSent as reason:
            return reason

    def _noted(self, request: Request, outcome: Outcome, sent_at: datetime, latency_ms: int) -> Attempt:
        return Attempt(
            id=self._sources.ids.new_id(),
            package_id=request.package.id,
            attempt=request.failures + 1,
            sent_at=sent_at,
            latency_ms=latency_ms,
            status_code=outcome.status_code,
            error_code=outcome.error_code,
            body_bytes=len(request.body),
            event_ids=[one.id for one in request.events],
        )

    async def _delivered(self, request: Request, attempt: Attempt, reader: EventReader) -> Request | None:
        """Move the cursor, and in the same statement store the next package if one is due."""
        batch = None if self._stop.is_set() else reader.due_batch()
        following = self._packed(batch) if batch else None
        await self._store.complete(
            self._subscription.id, request.package, attempt, following.package if following else None
        )
        self._tell(request, attempt, outcome="delivered")
        return following

    async def _failed(self, request: Request, outcome: Outcome, attempt: Attempt) -> None:
        """Note when the very same package is sent again, or that the receiver wants nothing more."""
        if outcome.disables:
            self._stop.set()
            failure = Failure(None, f"{outcome.detail}: nothing more is wanted there")
        else:
            jitter = int.from_bytes(self._sources.tokens.token_bytes(4)) / 2**32
            wait = self._schedule.wait(attempt.attempt, jitter, outcome.retry_after)
            failure = Failure(self._sources.clock.now() + wait)
        await self._store.fail(self._subscription.id, request.package.id, attempt, failure)
        self._tell(
            request,
            attempt,
            outcome="disabled" if outcome.disables else "to be tried again",
            fault=outcome.fault,
            detail=outcome.detail,
            next_attempt_at=failure.next_attempt_at and failure.next_attempt_at.isoformat(),
        )

    def _tell(self, request: Request, attempt: Attempt, **more: object) -> None:
        """One line for each attempt."""
        one = self._subscription
        waited = attempt.sent_at - request.events[0].created_at
        log = _log.info if attempt.error_code is None else _log.warning
        log(
            "webhook attempt",
            subscription_id=str(one.id),
            host=urlsplit(one.url).hostname,
            package_id=str(attempt.package_id),
            attempt=attempt.attempt,
            events=len(request.events),
            body_bytes=attempt.body_bytes,
            status=attempt.status_code,
            error=attempt.error_code,
            latency_ms=attempt.latency_ms,
            oldest_event_ms=round(waited.total_seconds() * 1000),
            **more,
        )


class HttpDeliveries:
    """Begins deliveries over a transport, signed with the keys of a ring."""

    def __init__(
        self,
        store: DeliveryStore,
        transport: WebhookTransport,
        ring: KeyRing,
        sources: Sources,
        schedule: RetrySchedule | None = None,
    ) -> None:
        self._tail = Tail(store, sources.clock)
        self._parts = DeliveryParts(store, self._tail, transport, ring, sources, schedule or RetrySchedule())

    def begin(self, subscription: Subscription) -> Delivery:
        """Make the delivery to a subscription; it is for the caller to run it."""
        return Delivery(subscription, self._parts)

    async def look(self, heads: Sequence[int] | None) -> None:
        """Tell the deliveries that there may be new events, or by the `heads` whether there are.

        Raises StoreUnavailable.
        """
        await self._tail.look(heads)

    async def refresh_keys(self) -> None:
        """Look up the keys that sign from now on. Raises StoreUnavailable."""
        await self._parts.ring.refresh()
