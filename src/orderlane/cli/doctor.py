"""The command that says what is wrong, in words."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.markup import escape

from orderlane.cli.announcements import console, write_json
from orderlane.cli.database import opened_operations
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import FAILED, complete
from orderlane.ports.operations import DeliveryHealth, LaneHealth, Operations, Quarantined
from orderlane.settings import unknown_variables
from orderlane.sources import system_sources

WAITING_TOO_LONG = timedelta(seconds=30)
SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, whether it is well, and what there is to say of it."""

    subject: str
    is_well: bool
    text: str


def doctor(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """Look at the database, the lanes, quarantine and deliveries; exit code 1 if something is wrong."""

    async def command() -> int:
        sources = system_sources()
        async with opened_operations(options, sources) as operations:
            findings = await examine(operations, sources.clock.now())
        for finding in findings:
            if json:
                write_json(finding)
            else:
                sign = "[green]ok     [/]" if finding.is_well else "[bold red]wrong  [/]"
                console().print(f"{sign} {escape(finding.subject)}: {escape(finding.text)}")
        return 0 if all(one.is_well for one in findings) else FAILED

    complete(command())


async def examine(operations: Operations, now: datetime) -> Sequence[Finding]:
    """Every finding, good and bad."""
    findings = [
        Finding("database", True, f"PostgreSQL {await operations.server_version()} answers, its schema is up to date"),
        *lane_findings(await operations.lanes(), now),
        *quarantine_findings(await operations.quarantined()),
        *delivery_findings(await operations.deliveries(), now),
    ]
    if unknown := unknown_variables(os.environ):
        findings.append(Finding("settings", False, f"there is no setting {', '.join(unknown)}: a misspelled name?"))
    return findings


def lane_findings(health: LaneHealth, now: datetime) -> Iterator[Finding]:
    """Whether every lane has an owner, and its messages are applied."""
    yield _owners("lane workers", "worker", health.without_worker, health.lane_count)
    yield _owners("venue gateways", "gateway", health.without_gateway, health.lane_count)
    age = None if health.oldest_message_at is None else now - health.oldest_message_at
    if age is not None and age > WAITING_TOO_LONG:
        text = f"{health.waiting_messages} messages wait, the oldest for {_words(age)}"
        yield Finding("inbox", False, f"{text}: the lane workers don't keep up, or none runs")
    else:
        yield Finding("inbox", True, f"{health.waiting_messages} messages wait")


def _owners(subject: str, role: str, without: Sequence[int], lane_count: int) -> Finding:
    if not without:
        return Finding(subject, True, f"all {lane_count} lanes have one")
    text = f"{len(without)} of {lane_count} lanes have no {role}"
    return Finding(subject, False, f"{text}: start one with `orderlane serve` or `orderlane {role}`")


def quarantine_findings(quarantined: Sequence[Quarantined]) -> Iterator[Finding]:
    """Whether messages wait for a person."""
    if not quarantined:
        yield Finding("quarantine", True, "empty")
        return
    accounts = list(dict.fromkeys(str(one.account_id) for one in quarantined))
    more = f" and {len(accounts) - SHOWN_MAX} more" if len(accounts) > SHOWN_MAX else ""
    text = f"{len(quarantined)} messages could not be applied and hold the accounts {', '.join(accounts[:SHOWN_MAX])}"
    yield Finding("quarantine", False, f"{text}{more}: see `orderlane quarantine list`")


def delivery_findings(deliveries: Sequence[DeliveryHealth], now: datetime) -> Iterator[Finding]:
    """Whether every subscription gets its events."""
    if not deliveries:
        yield Finding("webhooks", True, "there is no subscription")
    for one in deliveries:
        yield _delivery_finding(one, now)


def _delivery_finding(one: DeliveryHealth, now: datetime) -> Finding:
    subject = f"webhook {one.title!r} to {one.url}"
    if not one.enabled:
        if one.disabled_reason is None:
            return Finding(subject, True, "not enabled")
        return Finding(subject, False, f"disabled: {one.disabled_reason}")
    if not one.has_sender:
        return Finding(subject, False, "no sender: start one with `orderlane serve` or `orderlane sender`")
    if one.oldest_undelivered_at is None:
        return Finding(subject, True, "every event is delivered")
    age = now - one.oldest_undelivered_at
    text = f"the oldest undelivered event is {_words(age)} old"
    if one.attempts:
        return Finding(subject, False, f"{text}, {one.attempts} attempts failed, the last with: {one.last_error}")
    return Finding(subject, age <= WAITING_TOO_LONG, text)


def _words(age: timedelta) -> str:
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds} second" if seconds == 1 else f"{seconds} seconds"
