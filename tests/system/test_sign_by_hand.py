"""The how-tos about signatures, followed to the letter: a shell, curl and openssl, and the published client."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.system.integrators import PASSPHRASE, KeyPair, configured, environment_of, new_key_pair
from tests.system.pages import left_by, run_page
from tests.system.processes import Service, running_service

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The folder in which the reader works."""
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


async def test_signing_by_hand_leads_to_a_filled_portfolio_order(service: Service, desk: Path) -> None:
    page = "howto/sign-a-request-by-hand.md"
    printed = await run_page(page, desk, BASE=service.url, ORDERLANE_DATA_DIR=str(service.data_dir))

    def answer(name: str) -> Any:
        return json.loads((desk / name).read_text())

    assert printed.splitlines()[-1] == "The portfolio order is FILLED", left_by(desk)
    held = {one["instrument"]["isin"]: one["quantity"] for one in answer("positions.json")["data"]}
    assert set(held) == {"IE00B4L5Y983", "DE0007164600"}
    assert answer("users.json")["meta"]["total_count"] == 1
    assert answer("draft.json") == answer("users.json")


async def test_moving_an_integration_over_takes_a_key_and_its_configuration(service: Service, desk: Path) -> None:
    pair = new_key_pair(desk, "P-521")
    pair.private.rename(desk / "private.pem")
    variables = {"ORDERLANE_DATA_DIR": str(service.data_dir), "PASSPHRASE": PASSPHRASE}
    await run_page("howto/move-an-integration-over.md", desk, **variables)
    client = json.loads((desk / "client.json").read_text())
    moved = KeyPair(desk / "private.pem", desk / "public.pem")
    integrator = configured(environment_of(service.url, client, moved, as_file=True))

    assert (await asyncio.to_thread(integrator.get, "/users"))["data"] == []
