"""A database that is not the one of before begins an epoch, once."""

import asyncio
from datetime import timedelta

import pytest

from orderlane.postgres.connection import Connection, connect
from orderlane.postgres.epochs import INSTALLED, all_epochs, begin_epoch, ensure_epoch, identity
from orderlane.sources import system_sources
from tests.conftest import LANE_COUNT


async def test_the_first_epoch_begins_with_the_installation(connection: Connection) -> None:
    await connection.execute("DELETE FROM epochs")  # that of the template, which the first test of a session made
    epoch = await ensure_epoch(connection)

    here = await identity(connection)
    assert (epoch.number, epoch.reason, epoch.heads) == (1, INSTALLED, (0,) * LANE_COUNT)
    assert (epoch.system_identifier, epoch.timeline) == (here.system_identifier, here.timeline)
    assert here.timeline == 1
    assert abs(epoch.began_at - system_sources().clock.now()) < timedelta(minutes=1)
    assert await all_epochs(connection) == [epoch]


async def test_the_same_database_stays_in_its_epoch(connection: Connection) -> None:
    first = await ensure_epoch(connection)
    await connection.execute("UPDATE lanes SET position = 7")

    assert await ensure_epoch(connection) == first
    assert await all_epochs(connection) == [first]


@pytest.mark.parametrize(
    ("change", "reason"),
    [("timeline = timeline + 1", "timeline 2 became 1"), ("system_identifier = 1", "system identifier")],
)
async def test_another_identity_begins_an_epoch_with_the_heads_found(
    change: str, reason: str, connection: Connection
) -> None:
    await ensure_epoch(connection)
    await connection.execute(f"UPDATE epochs SET {change}")
    await connection.execute("UPDATE lanes SET position = 10 * lane")

    epoch = await ensure_epoch(connection)

    assert (epoch.number, epoch.heads) == (2, tuple(10 * lane for lane in range(LANE_COUNT)))
    assert reason in epoch.reason
    assert [one.number for one in await all_epochs(connection)] == [1, 2]


async def test_a_restore_begins_an_epoch_though_the_identity_is_the_same(connection: Connection) -> None:
    first = await ensure_epoch(connection)

    second = await begin_epoch(connection, "restored from the backup of Monday")

    assert (second.number, second.reason) == (2, "restored from the backup of Monday")
    assert second.is_of(first.system_identifier, first.timeline)
    assert await ensure_epoch(connection) == second


async def test_many_processes_begin_one_epoch(dsn: str) -> None:
    sessions = [await connect(dsn, "test") for _ in range(8)]

    epochs = await asyncio.gather(*map(ensure_epoch, sessions))

    assert {epoch.number for epoch in epochs} == {1}
    for session in sessions:
        session.terminate()
