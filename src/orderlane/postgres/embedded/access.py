"""Who may connect to the server: the account that it runs as, and root, each as any role; nobody else."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from orderlane.postgres.embedded.accounts import ROOT_UID, Account

AUTHENTICATION = """\
# Written by Orderlane at every start of the server; changes are lost.
# The kernel says which account of this machine connects, and pg_ident.conf which role it may take.
local all all peer map=orderlane
"""
# PostgreSQL 15 knows no word for every role.
ROLES = ("postgres", "orderlane", "all")


def write_access_rules(cluster: Path, account: Account) -> None:
    """Write who may connect, whatever an earlier version or initdb has left there."""
    folder = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        replace_file(folder, "pg_hba.conf", AUTHENTICATION, account)
        replace_file(folder, "pg_ident.conf", identities(account), account)
    finally:
        os.close(folder)


def identities(account: Account) -> str:
    """Return the map of accounts to roles."""
    names = sorted({account.name, pwd.getpwuid(ROOT_UID).pw_name})
    lines = (f'orderlane "{name}" {role}\n' for name in names for role in ROLES)
    return "# Written by Orderlane at every start of the server; changes are lost.\n" + "".join(lines)


def replace_file(folder: int, name: str, text: str, account: Account) -> None:
    """Write a file of an open folder anew, never through a link that the folder's account has put there."""
    unfinished = f"{name}.unfinished"
    with suppress(FileNotFoundError):
        os.unlink(unfinished, dir_fd=folder)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        if not account.is_ours:
            os.fchown(descriptor, account.uid, account.gid)
    os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
