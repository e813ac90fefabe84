"""Who owns a key: one session at a time, a fair share each, and only where a lock is a lock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from orderlane.postgres.connection import Connection, SessionsRefused, connect
from orderlane.postgres.ownership import ClaimRole, Claims, lock_class, owned_keys, prove_advisory_locks
from tests.database.poolers import OUR_SETTINGS, pgbouncer_program, pooled

needs_pgbouncer = pytest.mark.skipif(pgbouncer_program() is None, reason="pgbouncer is not installed")

KEYS = [0, 1, 2, 3]
NewSession = Callable[[], Awaitable[Connection]]

NO_LOCKS = """
    CREATE SCHEMA fake;
    CREATE FUNCTION fake.pg_try_advisory_lock(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
"""
"""How CockroachDB has advisory locks: the function is there, and locks nothing."""


NAMES_OF_ANOTHER_PROCESS = """
    DO $$
    BEGIN
        FOR number IN 1..9999 LOOP
            EXECUTE format('PREPARE "__asyncpg_stmt_%s__" AS SELECT 1', to_hex(number));
        END LOOP;
    END
    $$
"""


@pytest.fixture
async def new_session(dsn: str) -> AsyncIterator[NewSession]:
    async with AsyncExitStack() as stack:

        async def make() -> Connection:
            session = await connect(dsn, "test")
            stack.callback(session.terminate)
            return session

        yield make


async def test_one_session_claims_every_key(new_session: NewSession) -> None:
    session = await new_session()
    claims = Claims(session, ClaimRole.LANES)

    assert await claims.redistribute(KEYS) == claims.owned == {0, 1, 2, 3}
    assert await owned_keys(session, ClaimRole.LANES) == {0, 1, 2, 3}
    assert await owned_keys(session, ClaimRole.SUBSCRIPTIONS) == frozenset()


async def test_a_second_session_gets_its_share_when_the_first_redistributes(new_session: NewSession) -> None:
    first, second = [Claims(await new_session(), ClaimRole.LANES) for _ in range(2)]
    await first.redistribute(KEYS)

    assert await second.redistribute(KEYS) == frozenset()
    assert await first.surplus(KEYS) == {2, 3}
    assert await first.redistribute(KEYS, busy=[3]) == {0, 1, 3}
    assert await second.redistribute(KEYS) == {2}
    assert await first.redistribute(KEYS) == {0, 1}
    assert await second.redistribute(KEYS) == {2, 3}


async def test_a_session_that_ends_leaves_its_keys_to_the_others(new_session: NewSession) -> None:
    sessions = [await new_session() for _ in range(2)]
    first, second = [Claims(session, ClaimRole.LANES) for session in sessions]
    await first.redistribute(KEYS)

    sessions[0].terminate()

    async with asyncio.timeout(10):
        while await second.redistribute(KEYS) != {0, 1, 2, 3}:
            await asyncio.sleep(0.01)


async def test_a_key_that_is_none_any_more_is_released(new_session: NewSession) -> None:
    claims = Claims(await new_session(), ClaimRole.SUBSCRIPTIONS)
    await claims.redistribute([5, 6])

    assert await claims.redistribute([6]) == {6}


async def test_a_released_key_is_free_for_others(new_session: NewSession) -> None:
    first, second = [Claims(await new_session(), ClaimRole.LANES) for _ in range(2)]
    await first.redistribute(KEYS)
    await second.redistribute(KEYS)

    await first.release([1, 2, 99])

    assert first.owned == {0, 3}
    assert await second.redistribute(KEYS) == {1, 2}


async def test_who_joins_and_who_releases_hints_the_others(new_session: NewSession) -> None:
    hinted = asyncio.Event()
    first = Claims(await new_session(), ClaimRole.LANES, hinted.set)
    second = Claims(await new_session(), ClaimRole.LANES)
    await first.redistribute(KEYS)
    async with asyncio.timeout(10):
        await hinted.wait()  # its own
    await first.redistribute(KEYS)
    hinted.clear()

    await second.redistribute(KEYS)
    async with asyncio.timeout(10):
        await hinted.wait()

    assert first.is_hinted
    await first.redistribute(KEYS)


async def test_gateways_of_two_venues_do_not_share(new_session: NewSession) -> None:
    session = await new_session()
    first = Claims(session, ClaimRole.GATEWAY_LANES, venue_number=1)
    second = Claims(await new_session(), ClaimRole.GATEWAY_LANES, venue_number=32_767)

    assert await first.redistribute(KEYS) == await second.redistribute(KEYS) == {0, 1, 2, 3}
    assert await owned_keys(session, ClaimRole.GATEWAY_LANES, venue_number=32_767) == {0, 1, 2, 3}
    assert await owned_keys(session, ClaimRole.GATEWAY_LANES, venue_number=2) == frozenset()


def test_every_role_of_every_venue_has_a_lock_class_of_its_own() -> None:
    classes = [lock_class(role, venue) for role in ClaimRole for venue in (0, 1, 2, 1000, 32_767)]

    assert len(set(classes)) == len(classes)
    assert max(classes) < 2**31


async def test_the_locks_of_postgresql_are_locks(dsn: str) -> None:
    await prove_advisory_locks(dsn)


async def test_proofs_do_not_disturb_each_other(dsn: str) -> None:
    await asyncio.gather(*(prove_advisory_locks(dsn) for _ in range(4)))


async def test_an_engine_whose_locks_exclude_nobody_is_refused(dsn: str, connection: Connection) -> None:
    await connection.execute(NO_LOCKS)
    name = urlsplit(dsn).path[1:]
    await connection.execute(f"ALTER DATABASE {name} SET search_path = fake, pg_catalog, public")

    with pytest.raises(SessionsRefused, match="many owners"):
        await prove_advisory_locks(dsn)


@needs_pgbouncer
async def test_a_pooler_that_mixes_prepared_statements_up_is_refused(dsn: str, tmp_path: Path) -> None:
    """Two processes name their statements alike; in one session there can be only one of a name."""
    settings = {"pool_mode": "transaction", "ignore_startup_parameters": OUR_SETTINGS, "default_pool_size": "1"}
    async with pooled(dsn, tmp_path, **settings) as address:
        other_process = await asyncpg.connect(address)
        await other_process.execute(NAMES_OF_ANOTHER_PROCESS)
        # The driver counts its names on through a process: late in a run of many tests, they are others.
        with pytest.raises(SessionsRefused, match=r"already exists|share one session"):
            await prove_advisory_locks(address)
        other_process.terminate()


@needs_pgbouncer
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"pool_mode": "transaction"}, "unsupported startup parameter"),
        ({"pool_mode": "transaction", "ignore_startup_parameters": OUR_SETTINGS}, "pooler in transaction mode"),
        (
            {"pool_mode": "transaction", "ignore_startup_parameters": OUR_SETTINGS, "server_round_robin": "1"},
            "pooler in transaction mode",
        ),
        (
            {"pool_mode": "transaction", "ignore_startup_parameters": OUR_SETTINGS, "default_pool_size": "1"},
            "pooler in transaction mode",
        ),
        ({"pool_mode": "statement", "ignore_startup_parameters": OUR_SETTINGS}, "statement pooling mode"),
        ({"pool_mode": "session", "ignore_startup_parameters": OUR_SETTINGS}, "drops the settings"),
    ],
)
async def test_a_pooler_is_refused_with_the_reason(
    settings: dict[str, str], reason: str, dsn: str, tmp_path: Path
) -> None:
    async with pooled(dsn, tmp_path, **settings) as address:
        with pytest.raises(SessionsRefused, match=reason):
            await prove_advisory_locks(address)
