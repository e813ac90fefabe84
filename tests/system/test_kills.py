"""The whole program is killed in mid-flight, with its database and without: nothing is lost or doubled, order kept."""

import asyncio
from decimal import Decimal
from pathlib import Path

from tests.system.auditor import audit
from tests.system.investors import Market
from tests.system.mailbox import open_mailbox
from tests.system.processes import nothing_left, running_service

KILLS = 4
SLOW_MARKET = {"ORDERLANE_VENUE_SIMULATED_ACK_MS": "5-300", "ORDERLANE_VENUE_SIMULATED_FILL_MS": "20-1200"}


async def test_kill_nine_of_everything_in_mid_flight(tmp_path: Path) -> None:
    async with (
        running_service(tmp_path, **SLOW_MARKET) as service,
        service.client() as client,
        open_mailbox() as mailbox,
    ):
        market = Market(client)
        await market.open(6)
        await mailbox.subscribe(client)

        for kill in range(KILLS):
            placing = asyncio.create_task(market.place_for_all([Decimal("100.01"), Decimal("77.77")]))
            await mailbox.until_count(len(mailbox.received) + 20 + 25 * kill)
            await service.kill(with_database=kill % 2 == 1)
            await service.start()
            await placing

        await mailbox.until_final(market.accepted_ids)
        await audit(await service.dsn(), market.accepted_ids, mailbox.received)
        assert len(market.accepted) == KILLS * 2 * len(market.investors)
    await nothing_left(tmp_path)


async def test_kill_nine_of_the_database_alone(tmp_path: Path) -> None:
    async with (
        running_service(tmp_path, **SLOW_MARKET) as service,
        service.client() as client,
        open_mailbox() as mailbox,
    ):
        market = Market(client)
        await market.open(4)
        await mailbox.subscribe(client)

        for _ in range(2):
            placing = asyncio.create_task(market.place_for_all([Decimal("100.01"), Decimal("77.77")]))
            await mailbox.until_count(len(mailbox.received) + 15)
            service.kill_database()
            await placing

        await mailbox.until_final(market.accepted_ids)
        await audit(await service.dsn(), market.accepted_ids, mailbox.received)
    await nothing_left(tmp_path)
