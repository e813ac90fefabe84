"""From what the server's programs say when they fail to the error that tells a person what to do."""

import re
from pathlib import Path

from orderlane.postgres.embedded import errors
from orderlane.postgres.embedded.folders import DataFolder

# The first that matches counts.
CAUSES: tuple[tuple[str, type[errors.EmbeddedPostgresError]], ...] = (
    (r"No space left on device|Disk quota exceeded", errors.DiskFull),
    (r"not compatible with this version|incompatible with server", errors.VersionMismatch),
    (r"could not (create|bind|set permissions of).* Unix(-domain)? socket|\.s\.PGSQL", errors.SocketNotUsable),
    (r"could not (map|create|resize) .*shared memory|Cannot allocate memory", errors.OutOfMemory),
    (r"Permission denied", errors.FolderNotWritable),
)
OUTPUT_CHARACTERS_MAX = 2000


class StartLog:
    """What the server says from one start on, in its start log and in its own logs."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self._sizes = {path: path.stat().st_size for path in self._server_logs()}

    def _server_logs(self) -> list[Path]:
        return sorted(self.folder.server_logs.glob("*.log"))

    def text(self) -> str:
        """Return what was said since, at most its last 2,000 characters."""
        at_the_start = self.folder.start_log.read_bytes()
        later = (path.read_bytes()[self._sizes.get(path, 0) :] for path in self._server_logs())
        text = b"".join((at_the_start, *later)).decode(errors="replace").strip()
        return text[-OUTPUT_CHARACTERS_MAX:]


def start_error(log: StartLog, binaries: Path, socket_folder: Path | None = None) -> errors.EmbeddedPostgresError:
    """Return the error for a start that failed."""
    output = log.text()
    kind = next((kind for pattern, kind in CAUSES if re.search(pattern, output)), errors.StartFailed)
    return kind(
        folder=log.folder.path,
        binaries=binaries,
        socket_folder=socket_folder,
        log_folder=log.folder.server_logs,
        output=output,
        reason=output,
    )
