"""Becomes a server program: gives up root, ties its life to its owner's, then replaces itself.

Run as a script of its own, with nothing imported but the standard library:
`launcher.py OWNER_PID UID GID PROGRAM ARGUMENT...`. It is a process and not a hook between fork and exec,
because such hooks are not safe in a program with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def launch(owner_pid: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process by the command, run as the account, until the owner dies."""
    drop_root(uid, gid)
    if sys.platform == "linux":
        # After the change of account, which clears it. SIGINT is PostgreSQL's fast and clean shutdown.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != owner_pid:
        sys.exit("the program that wanted this server is gone")
    os.umask(0o077)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def drop_root(uid: int, gid: int) -> None:
    """Take on the account, for good."""
    if os.geteuid() == uid:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    launch(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
