"""What the doctor finds at a real PostgreSQL: locks, epochs, silent processes, wrong clocks, stopped lanes."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from orderlane.cli.doctor import examine
from orderlane.cli.findings import Finding
from orderlane.domain.places import stopped
from orderlane.postgres.connection import Connection, connect
from orderlane.postgres.epochs import begin_epoch
from orderlane.postgres.heartbeats import ProcessName, beat, session_of
from orderlane.postgres.operator import PostgresOperator
from orderlane.sources import system_sources
from tests.database.lanes.test_operator import operator, subscribe, wrong
from tests.database.test_found_database import without_locks

__all__ = ["operator"]


async def found(operator: PostgresOperator, subject: str) -> Finding:
    [finding] = [finding for finding in await examine(operator) if finding.subject == subject]
    return finding


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[Connection]:
    """A session that owns something, without a thread that beats for it."""
    connection = await connect(dsn, "test")
    yield connection
    connection.terminate()


async def beat_once(owner: Connection, clock_difference: timedelta = timedelta(0)) -> int:
    session = await session_of(owner)
    name = ProcessName(system_sources().ids.new_id(), "elsewhere")
    await beat(owner, {session: "LANES"}, name, clock_difference)
    return session.pid


async def test_the_locks_are_proven(dsn: str, connection: Connection, operator: PostgresOperator) -> None:
    assert (await found(operator, "advisory locks")).text == "proven with two sessions"

    await without_locks(dsn, connection)
    assert "two sessions the same advisory lock" in (await wrong(operator))["advisory locks"]


async def test_without_a_standby_replication_is_well(operator: PostgresOperator) -> None:
    assert (await found(operator, "replication")).text == "no standby, none is waited for"


async def test_a_later_epoch_is_told_and_well(connection: Connection, operator: PostgresOperator) -> None:
    assert (await found(operator, "epochs")).text.startswith("in the first, since ")

    await begin_epoch(connection, "restored from Tuesday's backup")
    later = await found(operator, "epochs")
    assert later.is_well
    assert later.text.startswith("there were 2; in number 2 since ")
    assert later.text.endswith("restored from Tuesday's backup")


async def test_a_silent_owner_is_told(owner: Connection, connection: Connection, operator: PostgresOperator) -> None:
    pid = await beat_once(owner)
    assert (await found(operator, "processes")).text == "1 beat"

    await connection.execute("UPDATE heartbeats SET beat_at = beat_at - interval '7 seconds'")
    assert (await wrong(operator))["process on elsewhere"].startswith(f"silent for 7 seconds: sessions {pid} (LANES).")


async def test_a_wrong_clock_is_told(owner: Connection, operator: PostgresOperator) -> None:
    await beat_once(owner, timedelta(seconds=-90))

    assert (await wrong(operator))["clock of elsewhere"].startswith("90.0 s behind the database's: set it")


async def test_a_stopped_lane_is_told_with_what_to_do(scene, operator: PostgresOperator) -> None:
    await subscribe(scene, "all", ["ALL"], [])
    await scene.connection.execute("UPDATE webhook_cursors SET positions[3] = $1", stopped(4095))

    [delivery] = await operator.deliveries()
    assert delivery.stopped_lanes == [2]
    [text] = [text for subject, text in (await wrong(operator)).items() if subject.startswith("webhook")]
    assert text.startswith("nothing of lanes 2 is sent (cursor_forked)")
    assert text.endswith("create it anew")
