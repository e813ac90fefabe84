"""The fences of the whole service, with real processes: frozen roles, a promoted standby, wrong clocks."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from tests.system.auditor import audit
from tests.system.clusters import Machine, WrongClock, faketime_library, frozen, machine, opened, until_found
from tests.system.fleets import AMOUNT, MESSAGE_AGE, Service, running

TAKE_OVER_SECONDS_MAX = 15.0
TOLD_SECONDS_MAX = 10.0
JUMP_SECONDS = 7.0

OWNERS = """
SELECT count(*) = 8 AND count(DISTINCT pid) = $2 FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint & 65535 = $1
"""
CLASSES = {"worker": 7001, "gateway": 7002}


@pytest.fixture
def servers(bin_dir: Path | None) -> Iterator[Machine]:
    with machine(bin_dir) as servers:
        yield servers


async def until_owned(dsn: str, role: str, owners: int, seconds_max: float) -> float:
    """How long it takes until so many sessions own all lanes of a role."""
    began = monotonic()
    await until_found(dsn, OWNERS, CLASSES[role], owners, seconds_max=seconds_max)
    return monotonic() - began


async def highest_age(service: Service, until: float) -> float:
    """The highest age of a message that the metric tells meanwhile."""
    highest = 0.0
    while monotonic() < until:
        highest = max(highest, await service.metric(MESSAGE_AGE))
        await asyncio.sleep(0.1)
    return highest


@pytest.mark.parametrize(
    ("role", "seconds"),
    [
        ("worker", 20),
        pytest.param("worker", 40, marks=pytest.mark.thorough),
        pytest.param("gateway", 40, marks=pytest.mark.thorough),
    ],
)
async def test_a_frozen_role_is_replaced_and_told_and_harmless_when_it_wakes(
    role: str, seconds: int, servers: Machine, tmp_path: Path
) -> None:
    primary = await servers.primary()
    roles = ("worker", "gateway", "sender", f"{role}-2")
    async with running(tmp_path, primary.dsn, roles) as service:
        await until_owned(primary.dsn, role, 2, TAKE_OVER_SECONDS_MAX)
        async with service.load():
            with frozen(service.pid(role)):
                began = monotonic()
                metric = asyncio.create_task(highest_age(service, began + TOLD_SECONDS_MAX))
                owned = asyncio.create_task(until_owned(primary.dsn, role, 1, TAKE_OVER_SECONDS_MAX))
                told_after = await service.seconds_until_told("silent for", TOLD_SECONDS_MAX)
                taken_over_after = await owned
                accepted = len(service.market.accepted)
                age = await metric
                await asyncio.sleep(began + seconds - monotonic())  # what is tested
            print(f"{role}: told {told_after:.1f} s, taken over {taken_over_after:.1f} s, metric {age:.1f} s")
            assert len(service.market.accepted) > accepted
            assert age > 5.0 or role == "gateway"
            await until_owned(primary.dsn, role, 2, TAKE_OVER_SECONDS_MAX)
        await service.mailbox.until_final(service.market.accepted_ids)
        await audit(primary.dsn, service.market.accepted_ids, service.mailbox.received)


async def test_a_promoted_standby_goes_on_in_a_new_epoch(servers: Machine, tmp_path: Path) -> None:
    primary = await servers.primary()
    roles = ("worker", "gateway", "sender")
    async with running(tmp_path, primary.dsn, roles, investors=4) as service:
        market, mailbox, fleet = service.market, service.mailbox, service.fleet
        standby = await servers.standby(primary)
        placing = asyncio.create_task(market.place_for_all([AMOUNT, AMOUNT]))
        await mailbox.until_count(10)
        await primary.kill()
        await standby.promote()
        for name in list(fleet.programs):
            await fleet.programs[name].kill()
        fleet.settings["ORDERLANE_DATABASE_URL"] = standby.dsn
        for name in ("api", *roles):
            await fleet.start(name)
        await placing
        before = len(market.accepted)
        await market.place_for_all([AMOUNT])

        await mailbox.until_final(market.accepted_ids)
        await audit(standby.dsn, market.accepted_ids, mailbox.received)

    later = {order.id for order in market.accepted[before:]}
    epochs = [each.event.epoch for each in mailbox.received if each.event.portfolio_order_id in later]
    assert set(epochs) == {2}
    assert {each.event.epoch for each in mailbox.received} == {1, 2}


@pytest.mark.skipif(faketime_library() is None, reason="libfaketime is not installed")
@pytest.mark.thorough
async def test_wrong_clocks_of_workers_change_nothing(servers: Machine, tmp_path: Path) -> None:
    primary = await servers.primary()
    folders = {name: tmp_path / f"clock of {name}" for name in ("worker", "worker-2")}
    for folder in folders.values():
        folder.mkdir()
    jumping, behind = WrongClock.at(folders["worker"], "+0"), WrongClock.at(folders["worker-2"], "-400d")
    own = {"worker": os.environ | jumping.environment, "worker-2": os.environ | behind.environment}
    async with running(tmp_path, primary.dsn, ("worker", "worker-2", "gateway", "sender"), own, 4) as service:
        await until_owned(primary.dsn, "worker", 2, TAKE_OVER_SECONDS_MAX)
        async with service.load():
            jumping.jump("+3d")
            wrong = await service.seconds_until_told("ahead of the database's", TOLD_SECONDS_MAX)
            await asyncio.sleep(max(JUMP_SECONDS - wrong, 0))  # what is tested
            jumping.jump("+0")
        await service.mailbox.until_final(service.market.accepted_ids)
        await audit(primary.dsn, service.market.accepted_ids, service.mailbox.received)
        async with opened(primary.dsn) as session:
            now = await session.fetchval("SELECT clock_timestamp()")
            kinds = {row["kind"] for row in await session.fetch("SELECT DISTINCT kind FROM journal")}
            keys = await session.fetchval("SELECT count(*) FROM idempotency_records")
            earliest, latest = await session.fetchrow("SELECT min(created_at), max(created_at) FROM events")
        assert "SETTLE_EXECUTIONS" not in kinds
        assert keys >= len(service.market.accepted)
        assert now - timedelta(minutes=3) < earliest <= latest <= now
        times = [each.event.created_at for each in service.mailbox.received]
        assert now - timedelta(minutes=3) < min(times)
        assert max(times) <= now
        assert '"timers_refused"' in service.log_of("worker-2")


async def test_roles_stop_in_time_although_a_commit_waits_for_a_standby(servers: Machine, tmp_path: Path) -> None:
    primary = await servers.primary()
    async with running(tmp_path, primary.dsn, ("worker", "gateway", "sender"), investors=4) as service:
        standby = await servers.standby(primary)
        first = asyncio.create_task(service.market.place_for_all([AMOUNT, AMOUNT]))
        await service.mailbox.until_count(5)
        await standby.stop()
        placing = asyncio.gather(first, service.market.place_for_all([AMOUNT]))
        waits = "SELECT count(*) >= 3 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        await until_found(primary.superuser_dsn, waits)

        async def seconds_to_stop(name: str) -> float:
            began = monotonic()
            assert await service.fleet.programs[name].stop(signal.SIGTERM) == 0
            return monotonic() - began

        names = list(service.fleet.programs)
        seconds = dict(zip(names, await asyncio.gather(*map(seconds_to_stop, names)), strict=True))
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
        print(seconds)
        assert max(seconds.values()) < 13, seconds
        await until_found(primary.superuser_dsn, waits)
        await standby.start()
