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
from orderlane.postgres.embedded.accounts import ROOT_UID, Account
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
        """Return the data folder at this path, which may begin with `~` and lead over links.

        Raises:
            FolderNotFound: the home folder is not known, or the links lead in a circle.
        """
        try:
            return cls(path.expanduser().resolve())
        except (RuntimeError, OSError) as error:
            raise errors.FolderNotFound(folder=path, reason=error) from error

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
            FolderClosed: a folder above it may not be entered.
            FolderNotWritable: it cannot be made, or not be written, or is no folder.
        """
        try:
            self.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        except OSError as error:
            raise self.not_usable(error) from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise self.not_usable()
        if self.has_cluster() and not self.cluster.is_dir():
            raise errors.FolderNotWritable(folder=self.path, reason=f"{self.cluster} is not a folder")

    def has_cluster(self) -> bool:
        """Whether there is a cluster, or what should be one.

        Raises:
            FolderNotOurs: the folder belongs to another account, which has closed it.
            FolderClosed: a folder above it may not be entered.
            FolderNotWritable: it is no folder.
        """
        try:
            self.cluster.lstat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self.not_usable(error) from error
        return True

    def not_usable(self, error: OSError | None = None) -> errors.EmbeddedPostgresError:
        """Return the error that tells why this program may not use the folder.

        Args:
            error: what the operating system said, if it was asked for more than the folder's permissions.
        """
        us = Account(os.geteuid(), os.getegid())
        for part in reversed((self.path, *self.path.parents)):
            try:
                status = part.stat()
            except OSError:
                break
            owner = Account(status.st_uid, status.st_gid).name
            if not stat.S_ISDIR(status.st_mode):
                return errors.FolderNotWritable(folder=self.path, reason=f"{part} is not a folder")
            if part != self.path and not os.access(part, os.X_OK):
                return errors.FolderClosed(folder=self.path, account=us.name, part=part, owner=owner)
            if part == self.path and status.st_uid != us.uid and us.uid != ROOT_UID:
                return errors.FolderNotOurs(folder=self.path, owner=owner, account=us.name)
        return errors.FolderNotWritable(folder=self.path, reason=self._why_not_writable(error))

    def _why_not_writable(self, error: OSError | None) -> str:
        if error is not None and error.strerror and not (isinstance(error, PermissionError) and self.path.exists()):
            return error.strerror
        is_mounted_so = self.path.exists() and os.statvfs(self.path).f_flag & os.ST_RDONLY
        return "its file system is mounted read-only" if is_mounted_so else "its permissions forbid it"

    def open_to_write(self, file: Path) -> IO[bytes]:
        """Open a file of the folder at its end; a new one belongs to the folder's owner, also if root makes it.

        It is never opened through a link: in the folder of a user, that would let root write anywhere.

        Raises:
            FolderNotWritable: it cannot be made or written.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW
        try:
            try:
                descriptor = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return os.fdopen(os.open(file, flags), "ab")
        except OSError as error:
            raise errors.FolderNotWritable(folder=self.path, reason=f"{file.name}: {error.strerror}") from error
        owner = self.path.stat()
        if owner.st_uid != os.geteuid():
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return os.fdopen(descriptor, "ab")


class OwnerLock:
    """Held by the program that owns a data folder's server; the kernel lets go of it when that program dies."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the lock, or return False if another program has it.

        Raises:
            FolderNotWritable: the lock file cannot be made or written.
        """
        file = self.folder.open_to_write(self.folder.lock_file)
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
