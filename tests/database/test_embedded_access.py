"""Who on the machine gets at the embedded PostgreSQL: the account that it runs as, and root; nobody else."""

import asyncio
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orderlane.postgres.embedded import EmbeddedPostgres, errors
from orderlane.postgres.embedded.accounts import OWN_ACCOUNT, named_account
from orderlane.postgres.embedded.binaries import Binaries, find_binaries, readable_binaries
from orderlane.postgres.embedded.configuration import PORT
from orderlane.postgres.embedded.folders import DataFolder
from orderlane.postgres.embedded.running import make_dsn, read_pid_file
from tests.database.embedded import IS_ROOT, ask, cluster_of, postmaster_of

as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can run programs as another account")
STRANGER = "nobody"


def as_stranger(command: Sequence[Path | str]) -> subprocess.CompletedProcess[str]:
    """Run a program as another account of the machine."""
    entry = pwd.getpwnam(STRANGER)
    return subprocess.run(
        [str(word) for word in command],
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        cwd="/",
    )


def programs(bin_dir: Path | None) -> Binaries:
    return readable_binaries(find_binaries(bin_dir), named_account(STRANGER))


def connect_as_stranger(bin_dir: Path | None, socket_folder: Path, role: str) -> subprocess.CompletedProcess[str]:
    words = ("--host", str(socket_folder), "--username", role, "--dbname", "postgres", "--command", "SELECT 1")
    return as_stranger([programs(bin_dir).folder / "psql", "--no-password", *words])


def socket_folder_of(data_dir: Path) -> str:
    pid_file = read_pid_file(cluster_of(data_dir))
    assert pid_file is not None
    return pid_file.socket_folder


@pytest.fixture(scope="module")
def open_data_dir(tmp_path_factory: pytest.TempPathFactory, bin_dir: Path | None) -> Iterator[Path]:
    """The data folder of a running server, made by hand, and open to all."""
    data_dir = tmp_path_factory.mktemp("open")
    for part in (data_dir, *data_dir.parents):
        part.chmod(part.stat().st_mode | stat.S_IROTH | stat.S_IXOTH)
    server = EmbeddedPostgres(data_dir, bin_dir)
    asyncio.run(server.start())
    try:
        yield data_dir
    finally:
        asyncio.run(server.stop())


@as_root
def test_roots_server_runs_as_an_account_of_its_own(open_data_dir: Path) -> None:
    account = pwd.getpwnam(OWN_ACCOUNT)

    assert postmaster_of(open_data_dir).uids().effective == account.pw_uid
    assert cluster_of(open_data_dir).stat().st_uid == account.pw_uid
    assert account.pw_shell.endswith("nologin")


@as_root
@pytest.mark.parametrize("role", ["postgres", "orderlane"])
def test_another_account_cannot_connect(open_data_dir: Path, bin_dir: Path | None, role: str) -> None:
    socket_folder = Path(socket_folder_of(open_data_dir))
    refused = connect_as_stranger(bin_dir, socket_folder, role)
    assert (refused.returncode, "Permission denied" in refused.stderr) == (2, True)

    try:  # even if someone opens the socket's folder to all
        socket_folder.chmod(0o755)
        (socket_folder / ".s.PGSQL.5432").chmod(0o777)
        refused = connect_as_stranger(bin_dir, socket_folder, role)
    finally:
        socket_folder.chmod(0o700)
    assert (refused.returncode, "Peer authentication failed" in refused.stderr) == (2, True)


@as_root
def test_another_account_cannot_read_the_data(open_data_dir: Path) -> None:
    process = postmaster_of(open_data_dir).pid
    assert as_stranger(["ls", open_data_dir]).returncode == 0

    for closed in (cluster_of(open_data_dir) / "PG_VERSION", f"/proc/{process}/cwd/PG_VERSION", f"/proc/{process}/mem"):
        read = as_stranger(["cat", closed])
        assert (read.returncode, "Permission denied" in read.stderr) == (1, True)


async def test_only_the_own_account_and_root_may_take_a_role(open_data_dir: Path) -> None:
    dsn = make_dsn(socket_folder_of(open_data_dir), PORT, "postgres", "postgres")
    names = str(await ask(dsn, "SELECT string_agg(DISTINCT sys_name, ' ') FROM pg_ident_file_mappings"))

    owner = pwd.getpwuid(cluster_of(open_data_dir).stat().st_uid).pw_name
    assert set(names.split()) == {owner, "root"}


async def test_an_earlier_versions_access_rules_are_replaced(tmp_path: Path, bin_dir: Path | None) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir):
        pass
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("local all all trust\n")
    (cluster_of(tmp_path) / "pg_hba.conf").unlink()
    (cluster_of(tmp_path) / "pg_hba.conf").symlink_to(elsewhere)

    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        as_superuser = server.dsn.replace("orderlane@/orderlane", "postgres@/postgres")
        methods = await ask(as_superuser, "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules")

    assert methods == "peer"
    assert elsewhere.read_text() == "local all all trust\n"


@as_root
async def test_database_files_of_a_shared_account_are_refused_unless_it_is_named(
    tmp_path: Path, bin_dir: Path | None
) -> None:
    async with EmbeddedPostgres(tmp_path, bin_dir, account=STRANGER):
        assert postmaster_of(tmp_path).username() == STRANGER

    with pytest.raises(errors.FolderShared) as refused:
        await EmbeddedPostgres(tmp_path, bin_dir).start()
    cure = f"chown -R {OWN_ACCOUNT}: {cluster_of(tmp_path)}"
    assert cure in str(refused.value)

    await asyncio.to_thread(subprocess.run, cure.split(), check=True)
    async with EmbeddedPostgres(tmp_path, bin_dir) as server:
        assert await ask(server.dsn, "SELECT 1") == 1


@as_root
@pytest.mark.parametrize(("account", "reason"), [("nosuchaccount", "there is no such account"), ("root", "root's")])
async def test_an_account_that_cannot_be_used_is_refused(
    tmp_path: Path, bin_dir: Path | None, account: str, reason: str
) -> None:
    with pytest.raises(errors.AccountNotUsable, match=reason) as refused:
        await EmbeddedPostgres(tmp_path, bin_dir, account=account).start()

    assert "ORDERLANE_POSTGRES_USER" in str(refused.value)


@as_root
async def test_what_root_writes_into_a_users_folder_is_the_users(tmp_path: Path) -> None:
    owner = pwd.getpwnam(STRANGER)
    os.chown(tmp_path, owner.pw_uid, owner.pw_gid)
    folder = DataFolder.at(tmp_path)

    folder.open_to_write(folder.lock_file).close()
    assert folder.lock_file.stat().st_uid == owner.pw_uid

    folder.start_log.symlink_to(tmp_path / "victim")
    (tmp_path / "victim").write_text("")
    with pytest.raises(errors.FolderNotWritable, match=folder.start_log.name):
        folder.open_to_write(folder.start_log)
