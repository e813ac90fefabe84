"""The folders of an embedded server: its data, its lock, and the private one for its socket."""

import fcntl
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from orderlane.postgres.embedded import errors
from orderlane.postgres.embedded.accounts import Account
from orderlane.postgres.embedded.configuration import PORT

# Linux allows 107 bytes and a final zero, macOS 103.
SOCKET_PATH_BYTES_MAX = 103
PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What lies where in a data folder."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the data folder at this path, which may begin with `~` and lead over links."""
        return cls(path.expanduser().resolve())

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own folder."""
        return self.path / "postgresql"

    @property
    def unfinished_cluster(self) -> Path:
        """A cluster that is being made; it gets its name when it is whole."""
        return self.path / "postgresql.unfinished"

    @property
    def server_logs(self) -> Path:
        """The folder of the running server's logs."""
        return self.cluster / "log"

    @property
    def start_log(self) -> Path:
        """What the server's programs said at the last start, before the server opened its own log."""
        return self.path / "postgresql-start.log"

    @property
    def lock_file(self) -> Path:
        """Locked by the program that owns the server."""
        return self.path / "postgresql.lock"

    def prepare(self) -> None:
        """Make the folder, for its owner's eyes only.

        Raises:
            FolderNotOurs: it belongs to another account.
            FolderNotWritable: it cannot be made, or not be written.
        """
        try:
            self.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        except OSError as error:
            raise errors.FolderNotWritable(folder=self.path, reason=error.strerror) from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise self.not_usable()

    def not_usable(self) -> errors.EmbeddedPostgresError:
        """Return the error that tells why this program may not use the folder."""
        us, owner = Account(os.geteuid(), os.getegid()), self.path.stat()
        if owner.st_uid == us.uid:
            return errors.FolderNotWritable(folder=self.path, reason="its permissions forbid it")
        return errors.FolderNotOurs(folder=self.path, owner=Account(owner.st_uid, owner.st_gid).name, account=us.name)


class OwnerLock:
    """Held by the program that owns a data folder's server; the kernel lets go of it when that program dies."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock, or return False if another program has it.

        Raises:
            FolderNotOurs: the lock file belongs to another account.
            FolderNotWritable: it cannot be made.
        """
        try:
            file = self.folder.lock_file.open("a")
        except OSError as error:
            raise self.folder.not_usable() from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let another program own the server."""
        if self._file is not None:
            self._file.close()
            self._file = None


def make_private_folder(path: Path, account: Account) -> None:
    """Make a folder that only the account may enter, or see that it is one.

    Raises:
        FileExistsError: something else of this name is there, or someone else's.
    """
    try:
        path.mkdir(mode=PRIVATE)
        if not account.is_ours:
            os.chown(path, account.uid, account.gid)
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid:
            raise
        path.chmod(PRIVATE)


def make_socket_folder(folder: DataFolder, account: Account) -> Path:
    """Make the private, empty folder for the socket: in the data folder, or else in the system's temporary one.

    Only for who holds the owner's lock: a killed server's socket and its lock file are cleared away.

    Raises:
        SocketPathTooLong: the path of every possible folder is too long, or the account cannot enter it.
        SocketFolderTaken: the folder is someone else's.
    """
    candidates = socket_folders(folder, account)
    for candidate in candidates:
        if socket_path_fits(candidate) and account.may_enter(candidate.parent):
            break
    else:
        raise errors.SocketPathTooLong(
            bytes_max=SOCKET_PATH_BYTES_MAX, account=account.name, tried=", ".join(map(str, candidates))
        )
    try:
        make_private_folder(candidate, account)
    except FileExistsError as error:
        raise errors.SocketFolderTaken(folder=candidate) from error
    for leftover in candidate.iterdir():
        leftover.unlink()
    return candidate


def socket_folders(folder: DataFolder, account: Account) -> list[Path]:
    """Return where the socket's folder may be, best first; the name tells data folders and accounts apart."""
    digest = hashlib.sha256(f"{account.uid} {folder.path}".encode()).hexdigest()
    name = f"orderlane-{digest[:12]}"
    return [folder.path / "socket", Path(tempfile.gettempdir()).resolve() / name, Path("/tmp") / name]  # noqa: S108


def socket_path_fits(folder: Path) -> bool:
    """Whether the path of the socket in this folder is short enough for the operating system."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX
