"""What the doctor says of replication, epochs, processes and clocks."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from orderlane.cli.doctor import show
from orderlane.cli.findings import Finding, epoch_finding, lock_finding, replication_findings, session_findings
from orderlane.domain.epochs import Epoch
from orderlane.ports.operator import ReplicationHealth, SessionHealth, StandbyHealth

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NONE = timedelta(0)


def replication(
    names: str = "",
    standbys: dict[str, str] | None = None,
    *,
    hidden: int = 0,
    waits: timedelta | None = None,
) -> Finding:
    """The only finding; `standbys` are sync_states by name."""
    found = [
        StandbyHealth(name=name, state="streaming", sync_state=state, lag=timedelta(milliseconds=12))
        for name, state in (standbys or {}).items()
    ]
    health = ReplicationHealth(
        synchronous_names=names,
        standbys=found,
        hidden_standbys=hidden,
        sees_all=not hidden,
        waiting_commits=0 if waits is None else 3,
        longest_wait=waits,
    )
    [finding] = replication_findings(health)
    return finding


def test_a_server_alone_is_well() -> None:
    assert replication() == Finding("replication", True, "no standby, none is waited for")


def test_a_standby_that_is_waited_for_is_well_and_told() -> None:
    found = replication("standby", {"standby": "sync"})

    assert (found.is_well, found.text) == (True, "standby is streaming, sync, 12 ms behind")


def test_a_standby_for_which_nobody_waits_is_wrong_with_what_to_set() -> None:
    found = replication("", {"standby": "async"})

    assert not found.is_well
    assert "a failover can lose acknowledged events" in found.text
    assert "Set synchronous_standby_names = 'ANY 1 (*)'" in found.text


@pytest.mark.parametrize(
    ("names", "standbys", "missing"),
    [
        ("standby", {}, "standby"),
        ("FIRST 1 (standby_a, standby_b)", {"standby_a": "async"}, "standby_b"),
        ('ANY 1 ("Second one")', {}, "Second one"),
        ("ANY 1 (*)", {}, "ANY 1 (*)"),
    ],
)
def test_the_standby_that_is_missing_is_named(names: str, standbys: dict[str, str], missing: str) -> None:
    found = replication(names, standbys, waits=timedelta(seconds=40))

    assert not found.is_well
    assert found.text.startswith(
        f"commits wait for the missing standby {missing} (3 wait now, the oldest for 40 seconds): start it"
    )
    assert "Do not restart the primary" in found.text


@pytest.mark.parametrize(("seconds", "is_well"), [(1, True), (6, False)])
def test_a_standby_that_hangs_is_told_after_a_while(seconds: int, is_well: bool) -> None:
    found = replication("standby", {"standby": "sync"}, waits=timedelta(seconds=seconds))

    assert found.is_well == is_well
    if not is_well:
        assert "3 commits wait for the standby (standby), the oldest for 6 seconds" in found.text


@pytest.mark.parametrize("names", ["", "standby"])
def test_what_this_role_may_not_see_is_not_guessed(names: str) -> None:
    found = replication(names, hidden=2)

    assert (found.is_well, "2 standbys are connected, but this role does not see the state" in found.text) == (
        True,
        True,
    )
    assert "pg_monitor" in found.text


def epoch(number: int, reason: str) -> Epoch:
    return Epoch(number=number, system_identifier=1, timeline=number, heads=(), reason=reason, began_at=MOMENT)


def test_the_epoch_is_told() -> None:
    first, second = epoch(1, "the database was created"), epoch(2, "timeline 1 became 2")

    assert epoch_finding([]).is_well
    assert epoch_finding([first]).text == "in the first, since 2026-11-24T12:00:00.000Z: the database was created"
    found = epoch_finding([first, second])
    assert found.is_well
    assert found.text == "there were 2; in number 2 since 2026-11-24T12:00:00.000Z: timeline 1 became 2"


def session(
    pid: int, process_id: str, silence: float = 0.5, clock: float = 0.0, *, role: str = "LANES", waits: bool = False
) -> SessionHealth:
    return SessionHealth(
        pid=pid,
        role=role,
        process_id=process_id,
        host=f"host-{process_id}",
        silence=timedelta(seconds=silence),
        clock_difference=timedelta(seconds=clock),
        clock_is_wrong=abs(clock) > 5,
        waits_for_standby=waits,
    )


def test_processes_that_beat_are_well() -> None:
    found = list(session_findings([session(1, "a"), session(2, "a"), session(3, "b", clock=-0.3)]))

    assert all(finding.is_well for finding in found)
    assert [finding.text for finding in found] == ["2 beat", "the processes differ by at most 0.3 s"]
    assert [finding.text for finding in session_findings([])] == ["none runs"]


def test_a_silent_process_is_named_with_its_sessions() -> None:
    sessions = [session(1, "a", 7.2), session(2, "a", 7.9, role="PROCESS"), session(3, "b", 0.2)]

    [found] = [finding for finding in session_findings(sessions) if not finding.is_well]

    assert found.subject == "process on host-a"
    assert found.text.startswith("silent for 7 seconds: sessions 1 (LANES), 2 (PROCESS). The process is frozen")
    assert "standby" not in found.text


def test_a_silent_process_that_waits_for_a_standby_keeps_its_lanes_and_that_is_told() -> None:
    [found] = [finding for finding in session_findings([session(1, "a", 30, waits=True)]) if not finding.is_well]

    assert found.text.endswith("waits for a standby, and keeps what it owns")


@pytest.mark.parametrize(("seconds", "text"), [(90, "90.0 s ahead of the"), (-86_400, "86400.0 s behind the")])
def test_a_wrong_clock_is_told_with_its_host(seconds: float, text: str) -> None:
    found = [finding for finding in session_findings([session(1, "a", clock=seconds)]) if not finding.is_well]

    assert [finding.subject for finding in found] == ["clock of host-a"]
    assert found[0].text.startswith(text)


def test_locks_that_are_none_are_told_with_the_reason() -> None:
    assert lock_finding(None) == Finding("advisory locks", True, "proven with two sessions")
    assert lock_finding("they are shared") == Finding("advisory locks", False, "they are shared")


def shown(finding: Finding, *, is_terminal: bool) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=is_terminal, no_color=True, highlight=False, soft_wrap=True)
    show(finding, console)
    return [line.rstrip() for line in output.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()]


def test_a_long_text_fits_a_terminal_and_begins_in_a_column_of_its_own() -> None:
    lines = shown(replication("", {"standby": "async"}), is_terminal=True)

    assert len(lines) > 2
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("wrong  replication: standby is streaming")
    assert all(line.startswith(" " * 7) for line in lines[1:])


def test_a_program_gets_one_line() -> None:
    [line] = shown(replication("", {"standby": "async"}), is_terminal=False)

    assert line.startswith("wrong  replication: standby is streaming")


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    assert shown(Finding("webhook '[red]'", True, "[b]x"), is_terminal=True) == ["ok     webhook '[red]': [b]x"]
