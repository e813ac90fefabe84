"""`serve` comes back when it is killed while its PostgreSQL deals with the crash of one of its processes."""

import asyncio
from pathlib import Path
from time import monotonic

import asyncpg
import psutil
import pytest

from tests.system.processes import Service, nothing_left, running_service

BETWEEN_KILLS_SECONDS = (0.0, 0.02, 0.05, 0.1, 0.2)
# Ten seconds are promised; the machine that runs the tests may be busy.
START_SECONDS_MAX = 30


async def kill_a_backend(service: Service) -> None:
    """End one process of the database at once, one that serves a session."""
    connection = await asyncpg.connect(await service.dsn())
    psutil.Process(connection.get_server_pid()).kill()
    connection.terminate()


async def seconds_to_come_back(service: Service, between_kills_seconds: float) -> float:
    """Kill a backend, then the service, start the service again, and see that it answers."""
    await kill_a_backend(service)
    await asyncio.sleep(between_kills_seconds)
    await service.kill()
    began = monotonic()
    await service.start()
    seconds = monotonic() - began
    async with service.client() as client:
        assert await client.instruments()
    return seconds


async def test_it_outlives_a_killed_backend_and_comes_back_when_it_is_killed_too(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        await kill_a_backend(service)
        async with service.client() as client:
            assert await client.instruments()

        assert await seconds_to_come_back(service, 0.05) < START_SECONDS_MAX
    await nothing_left(tmp_path)


@pytest.mark.thorough
async def test_it_comes_back_twenty_times_of_twenty(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        for number in range(20):
            pause = BETWEEN_KILLS_SECONDS[number % len(BETWEEN_KILLS_SECONDS)]
            assert await seconds_to_come_back(service, pause) < START_SECONDS_MAX
    await nothing_left(tmp_path)
