"""The operating system's account that the server runs as: PostgreSQL refuses to be root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from orderlane.postgres.embedded import errors

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group of the operating system."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The account's name, or its number if it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def is_ours(self) -> bool:
        """Whether this program runs as this account."""
        return self.uid == os.geteuid()

    def may_enter(self, folder: Path) -> bool:
        """Whether the account may go through the folder, and everything above it, to what is in it."""
        return self.is_ours or all(enterable_by_everyone(part) for part in (folder, *folder.parents))

    def may_run(self, program: Path) -> bool:
        """Whether the account may reach and run the program."""
        return self.may_enter(program.parent) and (self.is_ours or readable_by_everyone(program))


def readable_by_everyone(file: Path) -> bool:
    """Whether any account may read and run the file."""
    wanted = stat.S_IROTH | stat.S_IXOTH
    return file.stat().st_mode & wanted == wanted


def enterable_by_everyone(folder: Path) -> bool:
    """Whether any account may go through the folder."""
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def server_account(cluster: Path) -> Account:
    """Choose the account for the server of a cluster folder, which need not exist yet.

    A normal user's server runs as that user; root's runs as whom the cluster belongs to, at first as nobody.

    Raises:
        FolderNotOurs: the cluster belongs to another account.
        FolderBelongsToRoot: it belongs to root.
    """
    us = Account(os.geteuid(), os.getegid())
    unprivileged = pwd.getpwnam(UNPRIVILEGED)
    if not cluster.exists():
        return us if us.uid else Account(unprivileged.pw_uid, unprivileged.pw_gid)
    status = cluster.stat()
    owner = Account(status.st_uid, status.st_gid)
    if owner.uid == 0:
        raise errors.FolderBelongsToRoot(folder=cluster, account=UNPRIVILEGED)
    if us.uid not in (0, owner.uid):
        raise errors.FolderNotOurs(folder=cluster, owner=owner.name, account=us.name)
    return owner
