"""Which processes of the machine belong to a cluster, whatever `postmaster.pid` says.

A process belongs to it if it runs PostgreSQL as the account that owns the cluster and has the cluster as its working
folder, which PostgreSQL never leaves. The number in `postmaster.pid` may be another program's after a kill or a reboot.
"""

from pathlib import Path

import psutil

PROCESS_NAME = "postgres"


def cluster_processes(cluster: Path) -> list[psutil.Process]:
    """Return the PostgreSQL processes that live in the cluster."""
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] == PROCESS_NAME and lives_in(cluster, process)
    ]


def lives_in(cluster: Path, process: psutil.Process) -> bool:
    """Whether the process is the cluster's owner's and has it as its working folder; a zombie has none any more."""
    try:
        is_owners = process.uids().effective == cluster.stat().st_uid
        return is_owners and Path(process.cwd()).samefile(cluster)
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False
