"""One client asks for its largest lists, many at once: everybody else is served as if nothing were."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil
import pytest

from benchmarks.figures import spread
from benchmarks.polling import Latencies, Polled
from orderlane_client import OrderlaneClient
from tests.system.investors import PERSON, Market
from tests.system.large_orders import add_filled
from tests.system.processes import Service, run_command, running_service

ROOT = Path(__file__).parents[2]
PAUSE_SECONDS = 0.01
LIVE_MS_MAX = 100
NOISE_MS = 150
"""What a machine that is busy with other tests may add."""
MEMORY_BYTES_MAX = 250 * 1024 * 1024
"""How much the process may grow: without bounds, 60 of these lists take a gigabyte."""


@asynccontextmanager
async def polling(url: str, path: str, token: str = "") -> AsyncIterator[list[Latencies]]:
    """Poll a path in a process of its own for as long as the block lasts; afterwards the list holds the latencies."""
    parts = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.polling"), stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(Polled(str(parts.hostname), int(parts.port or 0), path, token)) + b"\n")
    latencies: list[Latencies] = []
    try:
        yield latencies
    finally:
        process.stdin.close()
        printed, _ = await process.communicate()
    latencies.append(msgspec.json.decode(printed, type=Latencies))


def memory_peak(process: psutil.Process, stop: Event) -> int:
    """The most memory that the process has until `stop` is set, in bytes."""
    peak = 0
    while not stop.wait(PAUSE_SECONDS):
        peak = max(peak, process.memory_info().rss)
    return peak


async def another_client(service: Service) -> OrderlaneClient:
    command = ("client", "create", "--name", "other", "--json", "--data-dir", service.data_dir)
    made = await run_command(*command, settings=service.settings)
    assert made.code == 0, made.err
    [facts] = made.lines
    return OrderlaneClient(service.url, facts["client_id"], facts["client_secret"])


async def storm(http: httpx.AsyncClient, paths: list[str]) -> Counter[int]:
    """Ask for all paths at once; the answers by their status."""
    answers = await asyncio.gather(*(http.get(path) for path in paths))
    for answer in answers:
        if answer.status_code == 429:
            assert "lists at a time" in answer.json()["detail"]
            assert int(answer.headers["retry-after"]) > 0
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("portfolio_orders", "at_once"),
    [pytest.param(120, 12, id="some"), pytest.param(220, 60, id="many", marks=pytest.mark.thorough)],
)
async def test_large_lists_of_one_client_hold_nobody_up(tmp_path: Path, portfolio_orders: int, at_once: int) -> None:
    async with running_service(tmp_path) as service, service.client() as client:
        market = Market(client)
        await market.open(1)
        [investor] = market.investors
        await add_filled(await service.dsn(), investor, portfolio_orders, legs=200)
        async with await another_client(service) as other:
            user = await other.create_user(**PERSON)
            token = await other.access_token()
        paths = ["/portfolios/orders?limit=200", f"/accounts/{investor.account_id}/orders?limit=1000"] * (at_once // 2)

        stop = Event()
        process = psutil.Process(service.program.running.pid)
        before = process.memory_info().rss
        watching = asyncio.create_task(asyncio.to_thread(memory_peak, process, stop))
        http_token = await client.access_token()
        async with (
            polling(service.url, "/health/live") as live,
            polling(service.url, f"/users/{user.id}", token) as others,
            httpx.AsyncClient(base_url=service.url, headers=bearer(http_token), verify=False, timeout=60) as http,
        ):
            statuses = await storm(http, paths)
        stop.set()
        peak = await watching

    assert set(statuses) <= {200, 429}
    assert statuses[200] >= 4
    assert others[0].refused == []
    assert spread(live[0].seconds).p99 < LIVE_MS_MAX + NOISE_MS
    assert peak - before < MEMORY_BYTES_MAX


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
