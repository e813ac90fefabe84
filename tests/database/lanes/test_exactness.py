"""Amounts and quantities beyond 28 digits: what is executed is what is held, to the last digit, and the order ends."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.database.lanes.conftest import ISINS, Scene
from tests.database.lanes.markets import Market, running_market

PRICE = Decimal("0.0123")
AMOUNT = "20000000000000000.00"
DEFAULT_CONTEXT_DIGITS = 28


@pytest.fixture
async def market(scene: Scene, dsn: str) -> AsyncIterator[Market]:
    async with running_market(scene, dsn) as running:
        yield running


async def test_what_is_executed_is_held_to_the_last_digit(market: Market) -> None:
    scene = market.scene
    await scene.connection.execute("UPDATE instruments SET price = $1", PRICE)
    await scene.connection.execute("DELETE FROM allocation_weights WHERE isin <> $1", ISINS[0])
    await scene.connection.execute("UPDATE allocation_weights SET weight = 1")
    await scene.deposit(scene.accounts[0], AMOUNT)
    await scene.place(scene.accounts[0], AMOUNT)

    async with market.gateway():
        await market.until_all("FILLED")

    executed = await scene.rows("SELECT isin, sum(share_quantity) AS units FROM executions GROUP BY isin ORDER BY isin")
    held = await scene.rows(
        "SELECT asset AS isin, quantity AS units FROM holdings WHERE asset_type = 'INSTRUMENT' ORDER BY asset"
    )
    assert [tuple(row) for row in held] == [tuple(row) for row in executed]
    assert max(len(row["units"].as_tuple().digits) for row in held) > DEFAULT_CONTEXT_DIGITS
    assert await scene.value("SELECT quantity FROM holdings WHERE asset = 'EUR'") == 0
    await market.assert_nothing_left()
