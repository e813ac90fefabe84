"""The parts of which every long-running program is made."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from orderlane.api.app import create_app
from orderlane.api.options import ApiOptions
from orderlane.api.routes.portfolio_orders import accepted_answer
from orderlane.bootstrap import services
from orderlane.bootstrap.database import Database, ProcessBeats
from orderlane.bootstrap.descriptors import DescriptorBudget
from orderlane.cli.http_server import HttpServer, Listener
from orderlane.settings import Settings
from orderlane.sources import Sources
from orderlane.venues.registry import VenueChoice
from orderlane.workers.gateway import Gateway
from orderlane.workers.lane import LaneWorker, LaneWorkerLimits
from orderlane.workers.running import Part
from orderlane.workers.sender import Sender
from orderlane.workers.timers import Timers


@dataclass(frozen=True, slots=True)
class Parts:
    """Opens parts on one database. Each method raises StoreUnavailable."""

    settings: Settings
    database: Database
    sources: Sources
    beats: ProcessBeats
    descriptors: DescriptorBudget

    async def worker(self) -> Part:
        """A lane worker."""
        store = await services.lane_store(self.database, self.beats)
        limits = LaneWorkerLimits(batch_messages_max=self.settings.lane_batch_size)
        return LaneWorker(store, self.sources.ids.new_id, limits)

    async def gateway(self, choice: VenueChoice) -> Part:
        """A gateway with its venue."""
        store = await services.venue_outbox(self.database, choice, self.beats)
        return Gateway(store, await services.venue(choice, self.sources))

    async def timers(self) -> Part:
        """The timers."""
        return Timers(await services.timer_store(self.database, self.beats), self.beats.clock)

    async def sender(self) -> Part:
        """A webhook sender."""
        return SenderPart(self)

    async def api(self, listener: Listener, on_started: Callable[[], None]) -> Part:
        """The API behind a listener."""
        return ApiPart(self, listener, on_started)


@dataclass(frozen=True, slots=True)
class ApiPart:
    """The API with its connections to the database."""

    parts: Parts
    listener: Listener
    on_started: Callable[[], None]

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises StoreUnavailable when it can't start."""
        parts = self.parts
        opened = services.open_api_services(
            parts.database, parts.settings, parts.sources, accepted_answer, parts.descriptors
        )
        async with opened as api_services:
            options = api_options(parts.settings, self.listener.reachable_url)
            application = create_app(api_services, options)
            async with application.lifespan():
                server = HttpServer(
                    application,
                    self.listener,
                    parts.sources.ids.new_id,
                    self.on_started,
                    parts.settings.trusted_proxies,
                    parts.descriptors.api_connections,
                    options.public_url,
                )
                await server.run(stop)


@dataclass(frozen=True, slots=True)
class SenderPart:
    """A webhook sender with its connections to the database and to the subscribers."""

    parts: Parts

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Raises StoreUnavailable."""
        parts = self.parts
        opened = services.open_deliveries(parts.database, parts.settings, parts.sources, parts.beats, parts.descriptors)
        async with opened as (store, deliveries):
            await Sender(store, deliveries).run(stop)


def api_options(settings: Settings, listens_on: str) -> ApiOptions:
    """What the API is told of the settings; `listens_on` is its address where no setting names the public one."""
    return ApiOptions(
        development=settings.development,
        token_lifetime=timedelta(seconds=settings.token_lifetime_seconds),
        requests_per_minute=settings.requests_per_minute,
        token_requests_per_minute=settings.token_requests_per_minute,
        webhooks_per_client=settings.webhooks_per_client,
        lists_per_client=min(settings.lists_per_client, settings.database_connections // 2),
        lists_reading=settings.database_connections // 2,
        public_url=settings.public_url or listens_on,
        document_url=settings.public_url or "/",
    )
