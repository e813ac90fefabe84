"""A client that is ready to place portfolio orders, another client, and the lanes and the venue behind them."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from orderlane.domain.instruments import TradingStatus
from orderlane.postgres.lanes.store import PostgresLaneStore
from orderlane.sources import system_sources
from orderlane.workers.lane import LaneWorkerLimits
from tests.database.api.worlds import INACTIVE_ISIN, ISINS, ClientWorld, Desk, instrument, load_instruments
from tests.database.lanes.conftest import SteppedWorker


@pytest.fixture
async def world(api: Any) -> ClientWorld:
    """A client with an account to place portfolio orders for. There is no cash yet."""
    known = [instrument(isin) for isin in ISINS]
    await load_instruments(api, [*known, instrument(INACTIVE_ISIN, trading_status=TradingStatus.INACTIVE)])
    world = ClientWorld(api, api.http)
    await world.build()
    return world


@pytest.fixture
async def other(api: Any, world: ClientWorld) -> ClientWorld:
    """Another client with the same."""
    other = ClientWorld(world.api, await api.session())
    await other.build()
    return other


@pytest.fixture
async def desk(dsn: str, connection: asyncpg.Connection) -> AsyncIterator[Desk]:
    """All lanes, and the venue."""
    store = await PostgresLaneStore.open(dsn)
    worker = SteppedWorker(store, system_sources().ids.new_id, LaneWorkerLimits())
    await worker.take_all_lanes()
    yield Desk(worker, connection)
    await store.close()
