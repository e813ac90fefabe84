"""What a run has shown, for people and for programs."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import psutil
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.database import Statement
from benchmarks.floor import Floor
from benchmarks.load import Answers
from benchmarks.sink import Arrival

MEGABYTE = 1024 * 1024
STATEMENTS_SHOWN = 25


class Spread(Struct, frozen=True):
    """Milliseconds: half of all are at most p50, 99 of 100 at most p99."""

    p50: float
    p99: float
    max: float


class Phase(Struct, frozen=True):
    """Portfolio orders placed together, from the first request to the receipt of the last event."""

    portfolio_orders: int
    seconds: float
    accepted_per_second: float
    completed_per_second: float
    events_per_second: float
    events: int
    requests: int
    post_ms: Spread
    commit_to_receipt_ms: Spread


class Machine(Struct, frozen=True):
    """Where it ran."""

    processor: str
    cores: int
    memory_mb: int
    system: str
    python: str
    postgresql: str


class Figures(Struct, frozen=True):
    """All that a run has shown.

    `others_share` is the part of the machine's processor time that others had during the full load, and
    `cpu_bound_per_second` what all of it would be enough for.
    """

    machine: Machine
    options: dict[str, object]
    warm_up_portfolio_orders: int
    database_mb_before: float
    database_mb_after: float
    full_load: Phase
    paced: Phase | None
    statements_per_portfolio_order: dict[str, float]
    sender_statements_per_request: float
    cpu_seconds_per_1000: dict[str, float]
    others_share: float
    cpu_bound_per_second: float
    memory_peak_mb: dict[str, float]
    floor: Floor
    floor_ratio: float
    faults: list[str]
    statements: list[Statement]


def spread(values: Sequence[float]) -> Spread:
    """The spread of some times in seconds."""
    ordered = sorted(values)
    at = [ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000 for part in (0.5, 0.99, 1)]
    return Spread(*(round(one, 2) for one in at))


def phase(answers: Answers, arrivals: Sequence[Arrival], committed: Mapping[str, datetime]) -> Phase:
    """Sum up one phase; `committed` says when each event was committed."""
    sent = [one.sent_at for one in answers.answers]
    answered = max(one.sent_at + one.seconds for one in answers.answers)
    seconds = max(one.received_at for one in arrivals) - min(sent)
    delays = [one.received_at - committed[one.event.id].timestamp() for one in arrivals if one.event.id in committed]
    return Phase(
        portfolio_orders=len(sent),
        seconds=round(seconds, 3),
        accepted_per_second=round(len(sent) / (answered - min(sent)), 1),
        completed_per_second=round(len(sent) / seconds, 1),
        events_per_second=round(len(arrivals) / seconds, 1),
        events=len(arrivals),
        requests=len({one.request for one in arrivals}),
        post_ms=spread([one.seconds for one in answers.answers]),
        commit_to_receipt_ms=spread(delays),
    )


def per_portfolio_order(statements: Sequence[Statement], count: int) -> dict[str, float]:
    """How many statements each kind of process needs, and all of them together."""
    calls: dict[str, int] = {}
    for one in statements:
        calls[one.role] = calls.get(one.role, 0) + one.calls
    return {
        **{role: round(one / count, 3) for role, one in calls.items()},
        "all": round(sum(calls.values()) / count, 3),
    }


def this_machine(postgresql: str) -> Machine:
    """Where this runs."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory_mb=psutil.virtual_memory().total // MEGABYTE,
        system=platform.platform(),
        python=platform.python_version(),
        postgresql=postgresql,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def show(figures: Figures) -> None:
    """Print everything for a person."""
    console = Console(highlight=False, width=130)
    machine = figures.machine
    console.print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_mb} MB; {machine.system}; "
        f"Python {machine.python}, PostgreSQL {machine.postgresql}"
    )
    console.print(_listed(figures.options))
    console.print(f"{figures.warm_up_portfolio_orders} portfolio orders before, to warm up")
    _show_phase(console, "full load", figures.full_load)
    if figures.paced is not None:
        _show_phase(console, f"at {figures.paced.events_per_second:.0f} events/s", figures.paced)
    _show_costs(console, figures)
    _show_statements(console, figures.statements)
    for fault in figures.faults:
        console.print(f"[bold red]WRONG: {fault}[/]")
    if not figures.faults:
        console.print("nothing lost, nothing doubled, everything in order, every amount agrees")


def _show_phase(console: Console, name: str, one: Phase) -> None:
    table = Table(title=name, title_justify="left", show_header=False)
    rows = {
        "portfolio orders": f"{one.portfolio_orders} in {one.seconds:.2f} s",
        "accepted": f"{one.accepted_per_second:.1f} /s",
        "completed, end to end": f"{one.completed_per_second:.1f} /s",
        "events": f"{one.events} in {one.requests} requests, {one.events_per_second:.0f} /s",
        "POST, ms": _shown(one.post_ms),
        "commit to receipt, ms": _shown(one.commit_to_receipt_ms),
    }
    for row in rows.items():
        table.add_row(*row)
    console.print(table)


def _shown(one: Spread) -> str:
    return f"p50 {one.p50:.2f}   p99 {one.p99:.2f}   max {one.max:.2f}"


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())


def _show_costs(console: Console, figures: Figures) -> None:
    table = Table("process", "CPU s / 1000", "peak MB", title="full load, by process")
    for name, seconds in figures.cpu_seconds_per_1000.items():
        memory = figures.memory_peak_mb.get(name)
        table.add_row(name, f"{seconds:.3f}", "" if memory is None else f"{memory:.0f}")
    table.add_row("all", f"{sum(figures.cpu_seconds_per_1000.values()):.3f}", "")
    console.print(table)
    console.print(f"SQL statements per portfolio order: {_listed(figures.statements_per_portfolio_order)}")
    console.print(
        f"the machine's other processes had {figures.others_share:.0%} of its processor time meanwhile; all of it "
        f"would be enough for {figures.cpu_bound_per_second:.0f} portfolio orders/s at this cost"
    )
    console.print(f"{figures.sender_statements_per_request:.2f} statements of the sender per delivered request")
    console.print(f"database {figures.database_mb_before:.1f} MB before, {figures.database_mb_after:.1f} MB after")
    floor = figures.floor
    console.print(
        f"floor: {floor.portfolio_orders_per_second:.1f} portfolio orders/s by plain COPY ({_listed(floor.rows)}); "
        f"end to end is {figures.floor_ratio:.3f} of it"
    )


def _show_statements(console: Console, statements: Sequence[Statement]) -> None:
    table = Table("role", "calls", "total ms", "mean ms", "statement", title="statements that took most time")
    for one in statements[:STATEMENTS_SHOWN]:
        table.add_row(one.role, str(one.calls), f"{one.total_ms:.1f}", f"{one.total_ms / one.calls:.3f}", one.text)
    console.print(table)
