"""What the long-running parts need: the API's services, and the stores and venue of the workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.bootstrap.database import Database, ProcessBeats, opened_pool
from orderlane.bootstrap.descriptors import DescriptorBudget
from orderlane.ports.deliveries import DeliveryStore
from orderlane.ports.lanes import LaneStore
from orderlane.ports.services import ApiServices
from orderlane.ports.timers import TimerStore
from orderlane.ports.venue import Venue
from orderlane.ports.venue_outbox import VenueOutbox
from orderlane.postgres.acceptance import AnswerOf, PostgresPortfolioOrderAcceptance
from orderlane.postgres.clients import PostgresCredentialSource, PostgresNonces
from orderlane.postgres.connection import StatementCount
from orderlane.postgres.deliveries import PostgresDeliveryStore
from orderlane.postgres.figures import PostgresFigures
from orderlane.postgres.gateway_session import PostgresGatewaySession
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.postgres.store import PostgresStore
from orderlane.postgres.timers import PostgresTimerStore
from orderlane.postgres.webhooks import PostgresWebhookKeys
from orderlane.settings import Settings
from orderlane.sources import Sources
from orderlane.venues.registry import VenueChoice, open_venue
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.delivery import Deliveries
from orderlane.webhooks.fair_shares import FairShares
from orderlane.webhooks.sending import HttpTransport, SendingLimits
from orderlane.webhooks.signing import KeyRing
from orderlane.webhooks.test_calls import CallLimits, HttpWebhooks

API_CONNECTIONS_MIN = 4
"""How many connections the API opens before it answers, so that the first requests wait for none."""


async def lane_store(database: Database, beats: ProcessBeats) -> LaneStore:
    """What a lane worker needs. Raises StoreUnavailable."""
    return await PostgresLaneStore.open(database.dsn, beats.heartbeat)


async def venue_outbox(database: Database, choice: VenueChoice, beats: ProcessBeats) -> VenueOutbox:
    """What a gateway of a venue needs. Raises StoreUnavailable."""
    return await PostgresGatewaySession.open(database.dsn, choice.name, beats.heartbeat)


async def timer_store(database: Database, beats: ProcessBeats) -> TimerStore:
    """What the timers need. Raises StoreUnavailable."""
    return await PostgresTimerStore.open(database.dsn, beats.heartbeat)


async def venue(choice: VenueChoice, sources: Sources) -> Venue:
    """A venue as it was chosen; its trades are dated by the business time."""
    return await open_venue(choice, sources.business_clock)


@asynccontextmanager
async def open_api_services(
    database: Database, settings: Settings, sources: Sources, answer_of: AnswerOf, descriptors: DescriptorBudget
) -> AsyncIterator[ApiServices]:
    """All that the API needs; `answer_of` makes the answer to an accepted order. Raises StoreUnavailable."""
    statements = StatementCount()
    async with (
        opened_pool(
            database,
            "orderlane api",
            settings.database_connections,
            min(API_CONNECTIONS_MIN, settings.database_connections),
            statements,
        ) as writing,
        opened_pool(
            database, "orderlane api reads", settings.database_connections, 1, statements, reads_only=True
        ) as reading,
        _transport(settings, descriptors, kept=0) as transport,
    ):
        store = await PostgresStore.open(writing, reading)
        test_calls = CallLimits(per_client=settings.webhook_test_calls_per_client, total=descriptors.test_calls)
        acceptance = PostgresPortfolioOrderAcceptance(writing, store.lane_count, answer_of)
        yield ApiServices(
            store=store,
            acceptance=acceptance,
            credentials=PostgresCredentialSource(writing),
            nonces=PostgresNonces(writing),
            figures=PostgresFigures(reading, statements, writing),
            webhooks=HttpWebhooks(transport, KeyRing(PostgresWebhookKeys(writing), sources), sources, test_calls),
            sources=sources,
        )
        await acceptance.close()
        await store.close()


@asynccontextmanager
async def open_deliveries(
    database: Database, settings: Settings, sources: Sources, beats: ProcessBeats, descriptors: DescriptorBudget
) -> AsyncIterator[tuple[DeliveryStore, Deliveries]]:
    """All that a webhook sender needs.

    Raises:
        StoreUnavailable: the database is lost.
    """
    async with _transport(settings, descriptors, kept=descriptors.kept) as transport:
        store = await PostgresDeliveryStore.open(database.dsn, beats.heartbeat)
        shares = FairShares(min(settings.webhook_requests or descriptors.requests, descriptors.requests_max))
        yield store, Deliveries(store, transport, KeyRing(store.keys, sources), sources, shares=shares)


def _transport(settings: Settings, descriptors: DescriptorBudget, *, kept: int) -> HttpTransport:
    guard = AddressGuard(allow_insecure=settings.allow_insecure_webhooks)
    return HttpTransport(guard, SendingLimits(connections_kept_max=kept, name_lookups_max=descriptors.name_lookups))
