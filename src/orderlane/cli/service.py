"""The long-running programs: everything in one process, or one role in each."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from functools import partial

from orderlane.bootstrap import database as databases
from orderlane.bootstrap import descriptors
from orderlane.cli import logging
from orderlane.cli.announcements import Announcements
from orderlane.cli.first_start import prepare_first_start
from orderlane.cli.http_server import Listener
from orderlane.cli.options import ApiOptions, AsJson, GatewayOptions, RoleOptions, SenderOptions, settings_from
from orderlane.cli.outcome import complete
from orderlane.cli.parts import Parts
from orderlane.cli.stopping import stopping
from orderlane.cli.waiting import StoppedWhileWaiting, open_parts
from orderlane.settings import Settings
from orderlane.sources import system_sources
from orderlane.venues.registry import VenueChoice, chosen_venues
from orderlane.workers.running import Part, keep_running

OTHER_CONNECTIONS = 12
"""Connections of the sender, the timers, the heartbeat, the migration and the proof of locks."""

Opener = Callable[[], Awaitable[Part]]


def serve(*, options: ApiOptions | None = None, json: AsJson = False) -> None:
    """Run everything in one process."""
    complete(_serve(options, Announcements(as_json=json)))


def api(*, options: ApiOptions | None = None, json: AsJson = False) -> None:
    """Run the API alone."""
    complete(_api(options, Announcements(as_json=json)))


def worker(*, options: RoleOptions | None = None, json: AsJson = False) -> None:
    """Run a lane worker, and the timers of the service, which one of the workers does."""
    complete(_role(options, Announcements(as_json=json), "worker", "timers"))


def sender(*, options: SenderOptions | None = None, json: AsJson = False) -> None:
    """Run a webhook sender."""
    complete(_role(options, Announcements(as_json=json), "sender"))


def gateway(*, options: GatewayOptions | None = None, json: AsJson = False) -> None:
    """Run a gateway for each venue, or for one."""
    complete(_gateway(options, Announcements(as_json=json)))


async def _serve(options: ApiOptions | None, announcements: Announcements) -> None:
    settings = settings_from(options)
    venues = chosen_venues(settings.venues)
    with databases.only_service(settings), Listener(settings.host, settings.port) as listener:

        async def work(parts: Parts, stop: asyncio.Event) -> None:
            await prepare_first_start(parts, announcements)
            listener.listen()
            roles = _openers(parts, "worker", "timers", "sender") | _gateway_openers(parts, venues)
            await _run(parts, {**roles, "api": _api_opener(parts, listener, announcements)}, stop)

        await _work(settings, options, announcements, work, network_parts=2)
    announcements.tell("stopped", "Orderlane has stopped.")


async def _api(options: ApiOptions | None, announcements: Announcements) -> None:
    settings = settings_from(options)
    with Listener(settings.host, settings.port) as listener:

        async def work(parts: Parts, stop: asyncio.Event) -> None:
            listener.listen()
            await _run(parts, {"api": _api_opener(parts, listener, announcements)}, stop)

        await _work(settings, options, announcements, work)
    announcements.tell("stopped", "The API has stopped.")


async def _role(options: RoleOptions | None, announcements: Announcements, *names: str) -> None:
    async def work(parts: Parts, stop: asyncio.Event) -> None:
        announcements.tell("started", f"Orderlane's {names[0]} runs. Stop it with Ctrl-C.", {"role": names[0]})
        await _run(parts, _openers(parts, *names), stop)

    await _work(settings_from(options), options, announcements, work)
    announcements.tell("stopped", f"The {names[0]} has stopped.")


async def _gateway(options: GatewayOptions | None, announcements: Announcements) -> None:
    settings = settings_from(options)
    venues = chosen_venues(settings.venues, options.venue if options is not None else None)
    names = [choice.name for choice in venues]

    async def work(parts: Parts, stop: asyncio.Event) -> None:
        text = f"Orderlane's gateway of {', '.join(names)} runs. Stop it with Ctrl-C."
        announcements.tell("started", text, {"role": "gateway", "venues": names})
        await _run(parts, _gateway_openers(parts, venues), stop)

    await _work(settings, options, announcements, work)
    announcements.tell("stopped", "The gateway has stopped.")


async def _work(
    settings: Settings,
    options: RoleOptions | None,
    announcements: Announcements,
    work: Callable[[Parts, asyncio.Event], Awaitable[None]],
    network_parts: int = 1,
) -> None:
    """Do the work on an up-to-date database, with the log, until the program is stopped."""
    logging.set_up(settings.log_level)
    limit = descriptors.raise_limit()
    budget = descriptors.budget_of(limit, _connections_max(settings), network_parts)
    _collect_seldom()
    with_stdin = options is not None and options.stop_with_stdin
    async with stopping(with_stdin=with_stdin) as stop, AsyncExitStack() as stack:
        with suppress(StoppedWhileWaiting):
            parts = await open_parts(settings, system_sources(), budget, announcements, stop, stack)
            descriptors.tell_limit(limit)
            await work(parts, stop)


def _connections_max(settings: Settings) -> int:
    """How many connections to the database a process opens that runs every part."""
    others = settings.lane_workers + len(settings.venues) + OTHER_CONNECTIONS
    return 2 * settings.database_connections + others


def _collect_seldom() -> None:
    """Look for cyclic garbage less often: batches make many objects and hardly a cycle (a third of a lane worker)."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _openers(parts: Parts, *names: str) -> dict[str, Opener]:
    """The parts of the roles, by name; there may be several lane workers."""
    every: dict[str, dict[str, Opener]] = {
        "worker": {f"worker {number + 1}": parts.worker for number in range(parts.settings.lane_workers)},
        "sender": {"sender": parts.sender},
        "timers": {"timers": parts.timers},
    }
    return {part: opener for name in names for part, opener in every[name].items()}


def _gateway_openers(parts: Parts, venues: Iterable[VenueChoice]) -> dict[str, Opener]:
    """A gateway for each venue, by its name."""
    return {f"gateway {choice.name}": partial(parts.gateway, choice) for choice in venues}


def _api_opener(parts: Parts, listener: Listener, announcements: Announcements) -> Opener:
    def listening() -> None:
        text = (
            f"Orderlane listens on [bold]{listener.url}[/]  (documentation: {listener.url}/docs). Stop it with Ctrl-C."
        )
        announcements.tell("listening", text, {"url": listener.url})

    return lambda: parts.api(listener, listening)


async def _run(parts: Parts, openers: dict[str, Opener], stop: asyncio.Event) -> None:
    """Run the parts until `stop` is set, each made anew when it loses the database."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.database.run(stop))
        for name, opener in openers.items():
            tasks.create_task(keep_running(name, opener, stop))
