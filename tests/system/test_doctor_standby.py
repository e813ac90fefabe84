"""What the doctor says of a real standby: that nobody waits for it, that it is there, that it is missing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orderlane.cli.findings import Finding, replication_findings
from orderlane.postgres.connection import committed, connect
from orderlane.postgres.embedded.running import make_dsn
from orderlane.postgres.operator import PostgresOperator
from tests.system.clusters import PORT, Machine, Server, machine, until_found

PLAIN = "plain"


@pytest.fixture
def servers(bin_dir: Path | None) -> Iterator[Machine]:
    with machine(bin_dir) as servers:
        yield servers


async def found(dsn: str) -> Finding:
    operator = await PostgresOperator.open(dsn)
    try:
        [finding] = replication_findings(await operator.replication())
    finally:
        await operator.close()
    return finding


@asynccontextmanager
async def waiting_commit(primary: Server) -> AsyncIterator[None]:
    """A COMMIT that waits for the standby while the block lasts."""
    session = await connect(primary.dsn, "test")

    async def write() -> None:
        async with committed(session):
            await session.execute("INSERT INTO notes VALUES ('waits')")

    writing = asyncio.create_task(write())
    await until_found(primary.superuser_dsn, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    yield
    await writing
    await session.close()


async def test_a_standby_is_told_in_each_of_its_states(servers: Machine) -> None:
    primary = await servers.primary()
    await primary.install()
    await primary.execute("CREATE TABLE notes (text text)", "GRANT ALL ON notes TO public")
    assert (await found(primary.dsn)).text == "no standby, none is waited for"

    standby = await servers.standby(primary, synchronous=False)
    asynchronous = await found(primary.dsn)
    assert not asynchronous.is_well
    assert asynchronous.text.startswith("standby is streaming, async, ")

    await primary.require(standby)
    synchronous = await found(primary.dsn)
    assert synchronous.is_well
    assert synchronous.text.startswith("standby is streaming, sync, ")

    await standby.stop()
    async with waiting_commit(primary):
        missing = await found(primary.dsn)
        assert not missing.is_well
        assert missing.text.startswith("commits wait for the missing standby standby (1 wait now, the oldest for ")
        await standby.start()

    await primary.require(None)


async def test_a_frozen_standby_for_which_a_commit_waits_is_told(servers: Machine) -> None:
    primary = await servers.primary()
    await primary.install()
    await primary.execute("CREATE TABLE notes (text text)", "GRANT ALL ON notes TO public")
    standby = await servers.standby(primary)
    standby.freeze()
    async with waiting_commit(primary):
        async with asyncio.timeout(10):
            while (slow := await found(primary.dsn)).is_well:
                await asyncio.sleep(0.1)
        assert slow.text.startswith("one commit waits for the standby (standby), the oldest for 5 seconds: standby is ")
        standby.thaw()


async def test_a_role_that_may_not_see_standbys_says_so(servers: Machine) -> None:
    primary = await servers.primary()
    await primary.install()
    await servers.standby(primary)
    await primary.execute(f"CREATE ROLE {PLAIN} LOGIN", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {PLAIN}")

    hidden = await found(make_dsn(str(primary.socket), PORT, PLAIN))

    assert hidden.is_well
    assert hidden.text.startswith("one standby is connected, but this role does not see the state: grant it pg_monitor")
