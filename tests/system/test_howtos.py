"""The how-tos' commands and programs are run as they stand there."""

import asyncio
import shutil
import socket
import sys
from asyncio.subprocess import PIPE, Process
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from orderlane.postgres.embedded import EmbeddedPostgres
from tests.system.investors import EVENTS_OF_A_BUY, TOPICS, Market
from tests.system.pages import blocks, run_page
from tests.system.processes import environment, run_command, running_service


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
async def test_authenticate(tmp_path: Path) -> None:
    async with running_service(tmp_path) as service:
        await run_page("howto/authenticate.md", tmp_path, BASE=service.url, ORDERLANE_DATA_DIR=str(service.data_dir))

    assert msgspec.json.decode((tmp_path / "token.json").read_bytes())["scope"] == "portfolios:read"
    assert msgspec.json.decode((tmp_path / "orders.json").read_bytes())["data"] == []


async def test_back_up_while_it_runs_and_restore_elsewhere(tmp_path: Path, bin_dir: Path | None) -> None:
    async with running_service(tmp_path) as service, EmbeddedPostgres(tmp_path / "target", bin_dir) as target:
        places = {"ORDERLANE_DATA_DIR": str(service.data_dir), "TARGET": target.dsn}
        printed_by_page = await run_page("howto/operate.md", tmp_path, **places)
        restored = await run_command("client", "list", "--json", settings={"ORDERLANE_DATABASE_URL": target.dsn})

    assert (tmp_path / "orderlane.dump").read_bytes().startswith(b"PGDMP")
    assert "the database is up to date" in printed_by_page
    assert "RuntimeDirWarning" not in printed_by_page
    assert [client["client_id"] for client in restored.lines] == [service.credentials["client_id"]]


async def test_the_receiver_of_receive_webhooks(tmp_path: Path) -> None:
    (tmp_path / "receiver.py").write_text(blocks("howto/receive-webhooks.md", "python"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with running_service(tmp_path) as service, service.client() as client:
        webhook = await client.create_webhook("how-to", f"http://127.0.0.1:{port}/", TOPICS)
        receiver = await asyncio.create_subprocess_exec(
            sys.executable,
            tmp_path / "receiver.py",
            stdout=PIPE,
            stderr=PIPE,
            env=environment(WEBHOOK_SECRET=str(webhook.secret), PORT=str(port)),
        )
        try:
            market = Market(client)
            await market.open(1)
            await market.place(market.investors[0], Decimal(1000))
            told = await printed(receiver, EVENTS_OF_A_BUY)
        finally:
            receiver.kill()
            await receiver.communicate()

    assert [sequence for sequence, _ in told] == list(range(1, EVENTS_OF_A_BUY + 1))
    assert told[-1][1] == "PORTFOLIO_ORDER.FILLED"


async def printed(receiver: Process, count: int) -> list[tuple[int, str]]:
    assert receiver.stdout is not None
    async with asyncio.timeout(60):
        return [msgspec.json.decode(await receiver.stdout.readline(), type=tuple[int, str]) for _ in range(count)]
