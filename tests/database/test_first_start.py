"""The first start without a terminal: the first client's secret is in a private file, and nowhere else."""

import asyncio
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from orderlane.bootstrap.descriptors import budget_of
from orderlane.cli.announcements import Announcements
from orderlane.cli.first_start import CREDENTIALS_FILE, prepare_first_start
from orderlane.cli.waiting import open_parts
from orderlane.settings import Settings
from orderlane.sources import system_sources

SECRET_CHARACTERS_MIN = 20


async def started(dsn: str, data_dir: Path, output: pytest.CaptureFixture[str], *, as_json: bool = True) -> str:
    """What the first start tells."""
    settings, announcements = Settings(database_url=dsn, data_dir=data_dir), Announcements(as_json=as_json)
    async with AsyncExitStack() as stack:
        budget = budget_of(4096, settings.database_connections, network_parts=1)
        parts = await open_parts(settings, system_sources(), budget, announcements, asyncio.Event(), stack)
        await prepare_first_start(parts, announcements)
    return output.readouterr().out


@pytest.mark.parametrize("as_json", [True, False])
async def test_the_secret_is_in_a_private_file(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    file = tmp_path / "data" / CREDENTIALS_FILE
    file.parent.mkdir()
    file.write_text("of an older installation, and everybody may read it")
    file.chmod(0o644)

    told = await started(dsn, file.parent, capsys, as_json=as_json)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    assert len(written["client_secret"]) >= SECRET_CHARACTERS_MIN
    assert written["client_secret"] not in told
    assert str(file) in told
    assert await started(dsn, file.parent, capsys) == "", "there is a client already"


async def test_where_the_file_cannot_be_written_no_client_is_created(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    told = await started(dsn, tmp_path / "file" / "data", capsys)

    assert msgspec.json.decode(told)["event"] == "client_not_created"
    assert msgspec.json.decode(await started(dsn, tmp_path, capsys))["event"] == "client_created"
