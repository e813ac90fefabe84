"""What every session asks of a server that is reached over a network."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orderlane.postgres.connection import connect
from orderlane.postgres.embedded import EmbeddedPostgres, configuration, supervisor


@pytest.fixture
async def network_dsn(tmp_path: Path, bin_dir: Path | None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server of its own that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setitem(configuration.SETTINGS, "listen_addresses", "127.0.0.1")
    monkeypatch.setitem(configuration.SETTINGS, "port", str(port))
    monkeypatch.setattr(supervisor, "PORT", port)
    async with EmbeddedPostgres(tmp_path, bin_dir):
        (rules,) = tmp_path.rglob("pg_hba.conf")
    rules.write_text(f"host all all 127.0.0.1/32 trust\n{rules.read_text()}")
    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        local = urlsplit(server.dsn)
        yield f"postgresql://{local.username}@127.0.0.1:{port}{local.path}"


async def test_a_host_that_is_gone_keeps_its_locks_for_ten_seconds_at_most(network_dsn: str) -> None:
    connection = await connect(network_dsn, "test")
    rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp%'")
    await connection.close()

    limits = {row["name"]: int(row["setting"]) for row in rows}
    probing = limits["tcp_keepalives_interval"] * limits["tcp_keepalives_count"]
    assert 0 < limits["tcp_keepalives_idle"] + probing <= 10
    assert 0 < limits["tcp_user_timeout"] <= 10_000
