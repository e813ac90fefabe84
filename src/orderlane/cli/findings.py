"""What the doctor finds at the database and at the processes that work on it, in words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from orderlane.domain.epochs import Epoch
from orderlane.ports.operator import ReplicationHealth, SessionHealth, StandbyHealth
from orderlane.resources.formats import write_time

COMMIT_TOO_LONG = timedelta(seconds=5)
"""How long a COMMIT may wait for its standby before somebody is told."""

SILENT_TOO_LONG = timedelta(seconds=5)
"""How long a session may be silent, which beats every second, before somebody is told."""

_IS_WAITED_FOR = ("sync", "quorum")
_NO_NAMES = ("ANY", "FIRST")
_NEVER = "Do not restart the primary and do not end the waiting sessions: both show rows that no standby has"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, whether it is well, and what there is to say of it."""

    subject: str
    is_well: bool
    text: str


def lock_finding(refusal: str | None) -> Finding:
    """Whether the advisory locks, by which lanes have one owner, are locks."""
    if refusal is not None:
        return Finding("advisory locks", False, refusal)
    return Finding("advisory locks", True, "proven with two sessions")


def replication_findings(health: ReplicationHealth) -> Iterator[Finding]:
    """Whether what is acknowledged survives the loss of the primary, and whether COMMITs wait for nobody."""
    waited_for = [standby for standby in health.standbys if standby.sync_state in _IS_WAITED_FOR]
    if health.hidden_standbys:
        count = "one standby is" if health.hidden_standbys == 1 else f"{health.hidden_standbys} standbys are"
        text = f"{count} connected, but this role does not see the state"
        yield Finding("replication", True, f"{text}: grant it pg_monitor")
    if health.synchronous_names and not (waited_for or health.hidden_standbys):
        yield Finding("replication", False, _missing(health))
    elif health.longest_wait is not None and health.longest_wait > COMMIT_TOO_LONG:
        yield Finding("replication", False, _slow(health))
    elif health.standbys and not health.synchronous_names:
        yield Finding("replication", False, _asynchronous(health.standbys))
    elif health.standbys:
        yield Finding("replication", True, _standbys(health.standbys))
    elif not health.hidden_standbys:
        yield Finding("replication", True, "no standby, none is waited for")


def _missing(health: ReplicationHealth) -> str:
    waiting = f"{'' if health.sees_all else 'at least '}{health.waiting_commits} wait now"
    if health.longest_wait is not None:
        waiting += f", the oldest for {words(health.longest_wait)}"
    names = _missing_names(health)
    return (
        f"commits wait for the missing standby {names} ({waiting}): start it, or, to give it up for good, set"
        f" synchronous_standby_names to '' and reload. {_NEVER}"
    )


def _missing_names(health: ReplicationHealth) -> str:
    """The names that are waited for and not connected, or the whole setting where it has none."""
    connected = {standby.name for standby in health.standbys}
    names = re.findall(r'"([^"]+)"|([A-Za-z_][\w$-]*)', health.synchronous_names)
    missing = [quoted or name for quoted, name in names if quoted or name.upper() not in _NO_NAMES]
    return ", ".join(name for name in missing if name not in connected) or health.synchronous_names


def _slow(health: ReplicationHealth) -> str:
    assert health.longest_wait is not None, "a commit waits"
    commits = "one commit waits" if health.waiting_commits == 1 else f"{health.waiting_commits} commits wait"
    standbys = f": {_standbys(health.standbys)}" if health.standbys else ""
    return (
        f"{commits} for the standby ({health.synchronous_names}), the oldest for"
        f" {words(health.longest_wait)}{standbys}. See whether it hangs, or is too slow. {_NEVER}"
    )


def _asynchronous(standbys: Sequence[StandbyHealth]) -> str:
    return (
        f"{_standbys(standbys)}: no commit waits for a standby, so a failover can lose acknowledged events, which"
        " subscribers have seen. Set synchronous_standby_names = 'ANY 1 (*)' and reload"
    )


def _standbys(standbys: Sequence[StandbyHealth]) -> str:
    return "; ".join(
        f"{standby.name} is {standby.state}, {standby.sync_state}, {standby.lag.total_seconds() * 1000:.0f} ms behind"
        for standby in standbys
    )


def epoch_finding(epochs: Sequence[Epoch]) -> Finding:
    """In which history the database is."""
    if not epochs:
        return Finding("epochs", True, "none has begun: nothing has worked on this database yet")
    last = epochs[-1]
    since = f"since {write_time(last.began_at)}: {last.reason}"
    if len(epochs) == 1:
        return Finding("epochs", True, f"in the first, {since}")
    return Finding("epochs", True, f"there were {len(epochs)}; in number {last.number} {since}")


def session_findings(sessions: Sequence[SessionHealth]) -> Iterator[Finding]:
    """Whether every process beats, and whether its clock is right."""
    by_process = sorted(sessions, key=lambda session: session.process_id)
    processes = [list(group) for _, group in groupby(by_process, key=lambda session: session.process_id)]
    silent = [[session for session in process if session.silence > SILENT_TOO_LONG] for process in processes]
    wrong = [process[0] for process in processes if process[0].clock_is_wrong]
    yield from (_silent(process) for process in silent if process)
    yield from (_wrong_clock(session) for session in wrong)
    if not any(silent):
        yield Finding("processes", True, f"{len(processes)} beat" if processes else "none runs")
    if processes and not wrong:
        most = max(abs(session.clock_difference) for session in sessions)
        yield Finding("clocks", True, f"the processes differ by at most {most.total_seconds():.1f} s")


def _silent(sessions: Sequence[SessionHealth]) -> Finding:
    longest = max(session.silence for session in sessions)
    named = ", ".join(f"{session.pid} ({session.role})" for session in sorted(sessions, key=lambda each: each.pid))
    waits = (
        "; one waits for a standby and keeps what it owns" if any(each.waits_for_standby for each in sessions) else ""
    )
    text = (
        f"silent for {words(longest)}: sessions {named}. The process is frozen or cut off; others take over what"
        " it owned. Wake it, or end it"
    )
    text += ". One of its commits waits for a standby, and keeps what it owns" if waits else ""
    return Finding(f"process on {sessions[0].host}", False, text)


def _wrong_clock(session: SessionHealth) -> Finding:
    seconds = session.clock_difference.total_seconds()
    side = "ahead of" if seconds > 0 else "behind"
    text = f"{abs(seconds):.1f} s {side} the database's: set it; until then no timers run in that process"
    return Finding(f"clock of {session.host}", False, text)


def words(age: timedelta) -> str:
    """How long something takes, in its largest unit."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds} second" if seconds == 1 else f"{seconds} seconds"
