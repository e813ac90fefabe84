"""What the long-running parts need: the API's services, and the stores and venue of the workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orderlane.bootstrap.database import Database, opened_pool
from orderlane.ports.deliveries import Deliveries, DeliveryStore
from orderlane.ports.lanes import LaneStore
from orderlane.ports.services import ApiServices
from orderlane.ports.timers import TimerStore
from orderlane.ports.venue import Venue
from orderlane.ports.venue_outbox import VenueOutbox
from orderlane.postgres.acceptance import PostgresPortfolioOrderAcceptance
from orderlane.postgres.clients import PostgresCredentialSource, PostgresNonces
from orderlane.postgres.connection import StatementCount
from orderlane.postgres.deliveries import PostgresDeliveryStore
from orderlane.postgres.figures import PostgresFigures
from orderlane.postgres.lane_store import PostgresLaneStore
from orderlane.postgres.outbox import PostgresVenueOutbox
from orderlane.postgres.store import PostgresStore
from orderlane.postgres.timers import PostgresTimerStore
from orderlane.postgres.webhooks import PostgresWebhookKeys
from orderlane.settings import Settings
from orderlane.sources import Sources
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.delivery import HttpDeliveries
from orderlane.webhooks.sending import HttpTransport
from orderlane.webhooks.signing import KeyRing
from orderlane.webhooks.trials import HttpWebhooks

API_CONNECTIONS_MIN = 4
"""How many connections the API opens before it answers, so that the first requests wait for none."""


async def lane_store(database: Database) -> LaneStore:
    """What a lane worker needs. Raises StoreUnavailable."""
    return await PostgresLaneStore.open(database.dsn)


async def venue_outbox(database: Database) -> VenueOutbox:
    """What a gateway needs. Raises StoreUnavailable."""
    return await PostgresVenueOutbox.open(database.dsn)


async def timer_store(database: Database) -> TimerStore:
    """What the timers need. Raises StoreUnavailable."""
    return await PostgresTimerStore.open(database.dsn)


def venue(settings: Settings, sources: Sources) -> Venue:
    """The venue: the simulated one."""
    ack_ms_min, ack_ms_max = settings.venue_ack_ms
    fill_ms_min, fill_ms_max = settings.venue_fill_ms
    behaviour = Behaviour(
        seed=settings.venue_seed,
        ack_ms_min=ack_ms_min,
        ack_ms_max=ack_ms_max,
        fill_ms_min=fill_ms_min,
        fill_ms_max=fill_ms_max,
        split_percent=settings.venue_split_percent,
        refuse_percent=settings.venue_refuse_percent,
    )
    return SimulatedVenue(behaviour, sources.clock)


@asynccontextmanager
async def open_api_services(database: Database, settings: Settings, sources: Sources) -> AsyncIterator[ApiServices]:
    """All that the API needs. Raises StoreUnavailable."""
    statements = StatementCount()
    async with (
        opened_pool(
            database,
            "orderlane api",
            settings.database_connections,
            min(API_CONNECTIONS_MIN, settings.database_connections),
            statements,
        ) as pool,
        HttpTransport(AddressGuard(allow_insecure=settings.allow_insecure_webhooks)) as transport,
    ):
        acceptance = PostgresPortfolioOrderAcceptance(pool)
        yield ApiServices(
            store=PostgresStore(pool),
            acceptance=acceptance,
            credentials=PostgresCredentialSource(pool),
            nonces=PostgresNonces(pool),
            figures=PostgresFigures(pool, statements),
            webhooks=HttpWebhooks(transport, KeyRing(PostgresWebhookKeys(pool), sources), sources),
            sources=sources,
        )
        await acceptance.close()


@asynccontextmanager
async def open_deliveries(
    database: Database, settings: Settings, sources: Sources
) -> AsyncIterator[tuple[DeliveryStore, Deliveries]]:
    """All that a webhook sender needs. Raises StoreUnavailable."""
    async with HttpTransport(AddressGuard(allow_insecure=settings.allow_insecure_webhooks)) as transport:
        store = await PostgresDeliveryStore.open(database.dsn)
        yield store, HttpDeliveries(store, transport, KeyRing(store.keys, sources), sources)
