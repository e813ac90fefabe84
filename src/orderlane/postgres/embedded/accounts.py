"""The operating system's account that the server runs as: PostgreSQL refuses to be root."""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import structlog

from orderlane.postgres.embedded import errors

log = structlog.get_logger(__name__)

ROOT_UID = 0
OWN_ACCOUNT = "orderlane"
"""The account that root's server runs as if no other is named; it is nobody else's, and made if it is missing."""

SHARED_ACCOUNTS = ("nobody", "nfsnobody")
MAKE_ACCOUNT = ("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin")


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


def server_account(cluster: Path, named: str = OWN_ACCOUNT) -> Account:
    """Choose the account for the server of a cluster folder, which need not exist yet.

    A normal user's server runs as that user; root's runs as whom the cluster belongs to, at first as the named account.

    Raises:
        AccountWithoutName: this program's account has no name, by which PostgreSQL could tell who connects.
        AccountNotUsable: root's server would run as an account that does not exist and cannot be made, or as root.
        FolderNotOurs: the cluster belongs to another account.
        FolderBelongsToRoot: it belongs to root.
        FolderShared: it belongs to an account that other programs run as, and which is not named.
    """
    us = Account(os.geteuid(), os.getegid())
    if us.uid != ROOT_UID and us.name == str(us.uid):
        raise errors.AccountWithoutName(account=us.name)
    if not cluster.exists():
        return us if us.uid != ROOT_UID else named_account(named)
    status = cluster.stat()
    owner = Account(status.st_uid, status.st_gid)
    if owner.uid == ROOT_UID:
        raise errors.FolderBelongsToRoot(folder=cluster, account=named)
    if us.uid not in (ROOT_UID, owner.uid):
        raise errors.FolderNotOurs(folder=cluster, owner=owner.name, account=us.name)
    if us.uid == ROOT_UID and owner.name in SHARED_ACCOUNTS and owner.name != named:
        raise errors.FolderShared(folder=cluster, owner=owner.name, account=named_account(named).name)
    return owner


def named_account(name: str) -> Account:
    """Return the account of this name; the one that is our own is made if it is missing.

    Raises:
        AccountNotUsable: it does not exist and cannot be made, or it is root.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        if name != OWN_ACCOUNT:
            raise errors.AccountNotUsable(account=name, reason="there is no such account") from None
        entry = made_account(name)
    if entry.pw_uid == ROOT_UID:
        raise errors.AccountNotUsable(account=name, reason="it has root's rights")
    return Account(entry.pw_uid, entry.pw_gid)


def made_account(name: str) -> pwd.struct_passwd:
    """Make a system account that nobody can log in to.

    Raises:
        AccountNotUsable: the operating system refuses.
    """
    try:
        done = subprocess.run([*MAKE_ACCOUNT, name], capture_output=True, text=True, check=False)
    except OSError as error:
        raise errors.AccountNotUsable(account=name, reason=f"useradd: {error.strerror}") from error
    try:
        entry = pwd.getpwnam(name)  # another program may have made it meanwhile
    except KeyError:
        raise errors.AccountNotUsable(account=name, reason=done.stderr.strip()) from None
    log.info("embedded_postgres_account_made", account=name, uid=entry.pw_uid)
    return entry
