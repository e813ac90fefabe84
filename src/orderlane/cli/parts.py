"""The parts of which every long-running program is made."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from orderlane.api.app import create_app
from orderlane.api.options import ApiOptions
from orderlane.bootstrap import services
from orderlane.bootstrap.database import Database
from orderlane.cli.http_server import HttpServer, Listener
from orderlane.settings import Settings
from orderlane.sources import Sources
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

    async def worker(self) -> Part:
        """A lane worker."""
        limits = LaneWorkerLimits(batch_messages_max=self.settings.lane_batch_size)
        return LaneWorker(await services.lane_store(self.database), self.sources, limits)

    async def gateway(self) -> Part:
        """A venue gateway with its venue."""
        return Gateway(await services.venue_outbox(self.database), services.venue(self.settings, self.sources))

    async def timers(self) -> Part:
        """The timers."""
        return Timers(await services.timer_store(self.database), self.sources.clock)

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
        async with services.open_api_services(parts.database, parts.settings, parts.sources) as api_services:
            application = create_app(api_services, api_options(parts.settings))
            async with application.lifespan():
                server = HttpServer(
                    application,
                    self.listener,
                    parts.sources.ids.new_id,
                    self.on_started,
                    parts.settings.trusted_proxies,
                )
                await server.run(stop)


@dataclass(frozen=True, slots=True)
class SenderPart:
    """A webhook sender with its connections to the database and to the subscribers."""

    parts: Parts

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Raises StoreUnavailable."""
        parts = self.parts
        async with services.open_deliveries(parts.database, parts.settings, parts.sources) as (store, deliveries):
            await Sender(store, deliveries).run(stop)


def api_options(settings: Settings) -> ApiOptions:
    """What the API is told of the settings."""
    return ApiOptions(
        development=settings.development,
        token_lifetime=timedelta(seconds=settings.token_lifetime_seconds),
        requests_per_minute=settings.requests_per_minute,
        token_requests_per_minute=settings.token_requests_per_minute,
    )
