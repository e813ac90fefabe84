"""A promoted standby and a restored backup begin an epoch, and a cursor that has seen more than is there is forked."""

import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orderlane.domain.epochs import forked_lanes
from orderlane.ports.errors import StoreUnavailable
from orderlane.postgres.clock import DatabaseClock
from orderlane.postgres.connection import Connection, connect
from orderlane.postgres.epochs import all_epochs, begin_epoch, ensure_epoch, identity
from orderlane.postgres.heartbeats import Heartbeat, ProcessName, owners
from orderlane.postgres.ownership import ClaimRole
from orderlane.sources import system_sources
from tests.system.clusters import Machine, Server, machine, until_found

HEADS = "SELECT array_agg(position ORDER BY lane) FROM lanes"


@pytest.fixture
def servers(bin_dir: Path | None) -> Iterator[Machine]:
    with machine(bin_dir) as servers:
        yield servers


@pytest.fixture
async def primary(servers: Machine) -> Server:
    """An installed primary in its first epoch."""
    primary = await servers.primary()
    await primary.install()
    async with session_on(primary) as session:
        await ensure_epoch(session)
    return primary


@asynccontextmanager
async def session_on(server: Server) -> AsyncIterator[Connection]:
    session = await connect(server.dsn, "test")
    try:
        yield session
    finally:
        session.terminate()


async def move(server: Server, lane: int, position: int) -> None:
    """Write events up to a position."""
    async with session_on(server) as session:
        await session.execute("UPDATE lanes SET position = $2 WHERE lane = $1", lane, position)


async def has_replayed(standby: Server, heads: list[int]) -> None:
    await until_found(standby.superuser_dsn, f"SELECT ({HEADS}) = $1::bigint[]", heads)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_restarted_server_is_the_same_database(primary: Server, number: signal.Signals) -> None:
    async with session_on(primary) as session:
        before = await ensure_epoch(session)

    await (primary.kill() if number == signal.SIGKILL else primary.stop(number))
    await primary.start()

    async with session_on(primary) as session:
        assert await ensure_epoch(session) == before


async def test_a_promoted_standby_begins_an_epoch_at_the_heads_that_it_has(servers: Machine, primary: Server) -> None:
    await move(primary, 0, 10)
    await move(primary, 1, 20)
    standby = await servers.standby(primary, synchronous=False)
    await has_replayed(standby, [10, 20, 0, 0])
    await standby.stop()
    await move(primary, 0, 15)  # seen by a reader, replicated never
    await primary.kill()
    await standby.start()
    await standby.promote()

    async with session_on(standby) as session:
        epoch = await ensure_epoch(session)
        first, second = await all_epochs(session)

    assert epoch == second
    assert (second.number, second.timeline, second.heads) == (2, 2, (10, 20, 0, 0))
    assert second.system_identifier == first.system_identifier
    assert "timeline 1 became 2" in second.reason
    assert forked_lanes(1, [15, 20, 0, 0], [first, second]) == {0}
    assert forked_lanes(1, [10, 20, 0, 0], [first, second]) == frozenset()


async def test_the_timeline_is_told_before_the_first_checkpoint_after_a_promotion(
    servers: Machine, primary: Server
) -> None:
    """The reason for asking the WAL file's name: the checkpoint's timeline may lag behind for minutes."""
    standby = await servers.standby(primary)
    await standby.promote()

    async with session_on(standby) as session:
        assert (await identity(session)).timeline == 2


async def test_a_standby_has_no_epoch_of_its_own(servers: Machine, primary: Server) -> None:
    standby = await servers.standby(primary)

    async with session_on(standby) as session:
        with pytest.raises(StoreUnavailable) as refusal:
            await ensure_epoch(session)
        assert "standby" in refusal.value.args[0]
        assert [epoch.number for epoch in await all_epochs(session)] == [1]


async def test_heartbeats_are_none_on_a_standby_and_begin_when_it_is_promoted(
    servers: Machine, primary: Server
) -> None:
    standby = await servers.standby(primary)
    async with session_on(standby) as session:
        clock = await DatabaseClock.open(session)
        heartbeat = Heartbeat(lambda: standby.dsn, clock, ProcessName(system_sources().ids.new_id(), "here"), 0.05)
        heartbeat.start()
        assert await owners(session) == []

        await standby.promote()
        await heartbeat.register(session, ClaimRole.LANES)
        found = "SELECT EXISTS (SELECT FROM heartbeats WHERE role = 'PROCESS')"
        await until_found(standby.dsn, found)
        heartbeat.stop()


async def test_an_older_backup_that_is_restored_begins_an_epoch(servers: Machine, primary: Server) -> None:
    await move(primary, 2, 5)
    backup = await servers.backup(primary)
    await move(primary, 2, 9)
    await primary.stop()
    await servers.restore(backup)

    async with session_on(backup) as session:
        assert (await ensure_epoch(session)).heads == (0, 0, 5, 0)
        epochs = await all_epochs(session)

    assert [(epoch.number, epoch.timeline) for epoch in epochs] == [(1, 1), (2, 2)]
    assert forked_lanes(1, [0, 0, 9, 0], epochs) == {2}


async def test_a_restore_onto_a_new_server_is_another_database(
    servers: Machine, primary: Server, tmp_path: Path
) -> None:
    """As pg_dump and pg_restore make it; here by copying the one table that counts."""
    async with session_on(primary) as session:
        (first,) = await all_epochs(session)
    other = await servers.primary("other")
    await other.install()
    async with session_on(other) as session:
        columns = "INSERT INTO epochs VALUES ($1, $2, $3, $4, $5, $6)"
        values = (first.number, first.system_identifier, first.timeline, first.heads, first.reason, first.began_at)
        await session.execute(columns, *values)
        second = await ensure_epoch(session)

    assert second.number == 2
    assert "another one" in second.reason


async def test_old_files_in_the_same_place_are_not_noticed_and_must_be_told(primary: Server) -> None:
    """A fact of PostgreSQL, and why whoever restores files begins an epoch."""
    copy = primary.folder / "copy"
    await move(primary, 3, 5)
    await primary.stop()
    shutil.copytree(primary.data, copy)
    await primary.start()
    await move(primary, 3, 8)
    await primary.stop()
    for changed in primary.data.iterdir():
        shutil.rmtree(changed) if changed.is_dir() else changed.unlink()
    for kept in copy.iterdir():
        kept.rename(primary.data / kept.name)
    give_away(primary)
    await primary.start()

    async with session_on(primary) as session:
        assert (await ensure_epoch(session)).number == 1
        second = await begin_epoch(session, "restored from a copy of the files")
        epochs = await all_epochs(session)

    assert (second.number, second.heads) == (2, (0, 0, 0, 5))
    assert forked_lanes(1, [0, 0, 0, 8], epochs) == {3}


def give_away(server: Server) -> None:
    """Let the server's account own all of its files again."""
    for path in server.data.rglob("*"):
        shutil.chown(path, server.machine.account.uid, server.machine.account.gid)
