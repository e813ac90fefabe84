"""A real pgbouncer in front of a test's server."""

import asyncio
import os
import shutil
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from orderlane.postgres.embedded.accounts import OWN_ACCOUNT

SECONDS_MAX = 10.0
OUR_SETTINGS = (
    "jit, enable_seqscan, statement_timeout, tcp_keepalives_idle, tcp_keepalives_interval, tcp_keepalives_count, "
    "tcp_user_timeout"
)
"""What the service asks of a session, for a pooler that is told to drop it."""


def pgbouncer_program() -> str | None:
    """Where it is installed, which on Debian is on root's path only."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@asynccontextmanager
async def pooled(dsn: str, folder: Path, **settings: str) -> AsyncIterator[str]:
    """The address of the database behind a pooler of its own."""
    program = pgbouncer_program()
    assert program is not None
    port = free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(ini(dsn, port, settings))
    # It refuses to be root; as the server's account it reaches the server's socket.
    command = [program, *(["--user", OWN_ACCOUNT] if os.geteuid() == 0 else []), str(configuration)]
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        await until_listening(port)
        yield f"postgresql://{urlsplit(dsn).username}@127.0.0.1:{port}{urlsplit(dsn).path}?sslmode=disable"
    finally:
        process.kill()
        await process.wait()


def ini(dsn: str, port: int, settings: dict[str, str]) -> str:
    url = urlsplit(dsn)
    query = parse_qs(url.query)
    lines = {"listen_addr": "127.0.0.1", "listen_port": str(port), "unix_socket_dir": "", "auth_type": "any"} | settings
    target = f"host={query['host'][0]} port={query['port'][0]} dbname={url.path[1:]} user={url.username}"
    return f"[databases]\n* = {target}\n[pgbouncer]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


async def until_listening(port: int) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
