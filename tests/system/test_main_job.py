"""The main job over HTTP alone, against `orderlane serve`, also over its restarts."""

import signal
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from orderlane_client import Problem
from tests.system.auditor import audit
from tests.system.investors import EVENTS_OF_A_BUY, WEIGHTS, Market
from tests.system.mailbox import open_mailbox
from tests.system.processes import Service, nothing_left, run_command, running_service


async def test_a_portfolio_is_bought_and_sold(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service, service.client() as client, open_mailbox() as mailbox:
        market = Market(client)
        await market.open(1)
        [investor] = market.investors
        await mailbox.subscribe(client)

        bought = await market.place(investor, Decimal("1000.00"))
        assert (bought.status, bought.orders) == ("NEW", [])
        await mailbox.until_final([bought.id])
        assert len(mailbox.received) == EVENTS_OF_A_BUY
        assert (await client.portfolio_order(bought.id)).status == "FILLED"
        assert {one.instrument.isin for one in await client.positions(investor.account_id)} == set(WEIGHTS)
        assert (await client.cash_balance(investor.account_group_id)).balance == Decimal("9000.00")

        await an_operator_looks_at(service, bought.id)

        sold = await market.place(investor, Decimal("500.00"), "SELL")
        await mailbox.until_final([sold.id])
        assert [one.id for one in await client.portfolio_orders(account_id=investor.account_id)] == [bought.id, sold.id]
        assert len(await client.account_orders(investor.account_id)) == 2 * len(WEIGHTS)
        await audit(await service.dsn(), market.accepted_ids, mailbox.received)


async def an_operator_looks_at(service: Service, portfolio_order_id: UUID) -> None:
    data = ("--data-dir", service.data_dir)
    [story] = (await run_command("portfolio-order", "show", portfolio_order_id, "--json", *data)).lines
    assert story["portfolio_order"]["status"] == "FILLED"
    assert len(story["orders"]) == len(WEIGHTS)
    assert story["sequence"] == EVENTS_OF_A_BUY
    watched = await run_command("portfolio-order", "watch", portfolio_order_id, *data)
    assert watched.code == 0, watched.err
    assert "BUY 1000.00 EUR  FILLED" in watched.out
    assert "100%" in watched.out
    assert all(isin in watched.out for isin in WEIGHTS)


async def test_too_little_cash_is_told_with_the_numbers(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service, service.client() as client, open_mailbox() as mailbox:
        market = Market(client)
        await market.open(1, Decimal(100))
        await mailbox.subscribe(client)

        refused = await market.place(market.investors[0], Decimal("1000.00"))
        await mailbox.until_final([refused.id])

        assert [one.event.type for one in mailbox.received] == ["PORTFOLIO_ORDER.NEW", "PORTFOLIO_ORDER.CANCELLED"]
        found = await client.portfolio_order(refused.id)
        assert (found.status, found.cancellation_reason) == ("CANCELLED", "INSUFFICIENT_FUNDS")
        assert "1000.00" in found.cancellation_details
        assert "100.00" in found.cancellation_details
        with pytest.raises(Problem, match="cash_amount"):
            await market.place(market.investors[0], Decimal("10.001"))


async def test_a_second_start_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service, service.client() as client, open_mailbox() as mailbox:
        market = Market(client)
        await market.open(2)
        await mailbox.subscribe(client)
        await market.place_for_all([Decimal("250.00")])
        await mailbox.until_final(market.accepted_ids)

        assert await service.stop(signal.SIGINT) == 0
        await nothing_left(tmp_path)
        await service.start()

        await market.place_for_all([Decimal("333.33")])
        await mailbox.until_final(market.accepted_ids)
        await audit(await service.dsn(), market.accepted_ids, mailbox.received)
    await nothing_left(tmp_path)


async def test_one_data_folder_has_one_service_and_one_port_one_listener(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        second = await run_command("serve", "--data-dir", service.data_dir, "--port", 0)
        assert (second.code, second.out) == (1, "")
        assert "another `orderlane serve` runs on" in second.err

        other = await run_command("serve", "--data-dir", tmp_path / "other", "--port", service.port)
        assert other.code == 1
        assert f"cannot listen on 127.0.0.1, port {service.port}" in other.err
        assert "Traceback" not in second.err + other.err


async def test_health_documentation_and_metrics_are_there(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service, aiohttp.ClientSession(service.url) as session:
        for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"):
            async with session.get(path) as answer:
                assert answer.status == 200, path
