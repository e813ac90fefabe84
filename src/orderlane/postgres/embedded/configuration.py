"""How the server is set: durable, on a private socket only, sized for a small machine."""

from collections.abc import Iterator
from pathlib import Path

from orderlane.postgres.embedded.binaries import Binaries

PORT = 5432
STATISTICS_LIBRARY = "pg_stat_statements"

SETTINGS = {
    "cluster_name": "orderlane",
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # What is acknowledged is on the disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A server that loses a process ends, and its supervisor starts it again. If it started itself anew in place, a stop
    # at that moment would leave it waiting for ever for processes that it forgets to end.
    "restart_after_crash": "off",
    # Memory, for a machine of two cores.
    "shared_buffers": "256MB",
    "huge_pages": "off",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # Few, spread-out checkpoints: each makes every page that is written next more expensive.
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    # The queues are small tables with many short-lived rows.
    "autovacuum_naptime": "15s",
    "timezone": "UTC",
    # A week of logs, one file a day, each used again a week later.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_timezone": "UTC",
}


def server_arguments(binaries: Binaries, cluster: str, socket_folder: Path) -> list[str]:
    """Return the server's command-line arguments for a cluster, given as the path that it will use."""
    return ["-D", cluster, *settings_arguments(binaries, socket_folder)]


def settings_arguments(binaries: Binaries, socket_folder: Path) -> Iterator[str]:
    """Give each setting as an argument: the program's, not left over in a file from an earlier version."""
    settings = SETTINGS | {"unix_socket_directories": quoted(socket_folder)}
    if binaries.have_library(STATISTICS_LIBRARY):
        settings["shared_preload_libraries"] = STATISTICS_LIBRARY
    for name, value in settings.items():
        yield "-c"
        yield f"{name}={value}"


def quoted(folder: Path) -> str:
    """Quote a path for a setting that is a list."""
    return '"' + str(folder).replace('"', '""') + '"'


def initdb_arguments(cluster: str, superuser: str) -> list[str]:
    """Return the arguments that make a new cluster, to which nobody may connect before a start says who may."""
    return [
        *("--pgdata", cluster),
        *("--username", superuser),
        *("--encoding", "UTF8"),
        *("--locale", "C"),
        *("--auth-local", "reject"),
        *("--auth-host", "reject"),
        "--data-checksums",
        "--no-instructions",
    ]
