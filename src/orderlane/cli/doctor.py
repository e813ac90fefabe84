"""The command that says what is wrong, in words."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Column

from orderlane.cli.announcements import console, narrow_table, text_column, write_json
from orderlane.cli.database import opened_operator
from orderlane.cli.findings import (
    Finding,
    epoch_finding,
    lock_finding,
    replication_findings,
    session_findings,
    words,
)
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import FAILED, complete
from orderlane.ports.operator import DISABLED_BY_OPERATOR, DeliveryHealth, LaneHealth, Operator, Quarantined
from orderlane.settings import unknown_variables

WAITING_TOO_LONG = timedelta(seconds=30)
"""How old an undelivered event may be before somebody is told."""

INBOX_TOO_LONG = timedelta(seconds=5)
"""How long a message may wait for its lane: a worker takes it within milliseconds."""

SHOWN_MAX = 5


def doctor(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """Look at the database, the lanes, quarantine and deliveries; exit code 1 if something is wrong."""

    async def command() -> int:
        async with opened_operator(options, reads_only=True) as operator:
            findings = await examine(operator)
        for finding in findings:
            if json:
                write_json(finding)
            else:
                show(finding, console())
        return 0 if all(finding.is_well for finding in findings) else FAILED

    complete(command())


def show(finding: Finding, output: Console) -> None:
    """Print a finding in a line, on a terminal in as many as it takes, with the text in a column of its own."""
    sign = "[green]ok   [/]" if finding.is_well else "[bold red]wrong[/]"
    text = f"{escape(finding.subject)}: {escape(finding.text)}"
    if not output.is_terminal:
        output.print(f"{sign}  {text}")
        return
    table = narrow_table(Column(), text_column(""))
    table.show_header = False
    table.add_row(sign, text)
    output.print(table, soft_wrap=False)


async def examine(operator: Operator) -> Sequence[Finding]:
    """Every finding, good and bad."""
    findings = [
        Finding("database", True, f"PostgreSQL {await operator.server_version()} answers, its schema is up to date"),
        lock_finding(await operator.refused_locks()),
        *replication_findings(await operator.replication()),
        epoch_finding(await operator.epochs()),
        *session_findings(await operator.sessions()),
        *lane_findings(await operator.lanes()),
        *quarantine_findings(await operator.quarantined()),
        *delivery_findings(await operator.deliveries()),
    ]
    if unknown := unknown_variables(os.environ):
        findings.append(Finding("settings", False, f"there is no setting {', '.join(unknown)}: a misspelled name?"))
    return findings


def lane_findings(health: LaneHealth) -> Iterator[Finding]:
    """Whether every lane has an owner, and its messages are applied."""
    yield _owners("lane workers", "worker", health.without_worker, health.lane_count)
    for venue in health.venues:
        yield _owners(f"gateways of {venue.name}", "gateway", venue.without_gateway, health.lane_count)
    age = health.oldest_message_age
    if age is not None and age > INBOX_TOO_LONG:
        text = f"{health.waiting_messages} messages wait, the oldest for {words(age)}"
        yield Finding("inbox", False, f"{text}: the lane workers do not keep up, or none runs")
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
    accounts = list(dict.fromkeys(message.subject_id for message in quarantined))
    more = f" and {len(accounts) - SHOWN_MAX} more" if len(accounts) > SHOWN_MAX else ""
    text = f"{len(quarantined)} messages could not be applied and hold the accounts {', '.join(accounts[:SHOWN_MAX])}"
    yield Finding("quarantine", False, f"{text}{more}: see `orderlane quarantine list`")


def delivery_findings(deliveries: Sequence[DeliveryHealth]) -> Iterator[Finding]:
    """Whether every subscription gets its events."""
    if not deliveries:
        yield Finding("webhooks", True, "there is no subscription")
    for delivery in deliveries:
        yield _delivery_finding(delivery)


def _delivery_finding(delivery: DeliveryHealth) -> Finding:
    subject = f"webhook {delivery.title!r} to {delivery.url}"
    if not delivery.enabled:
        if delivery.disabled_reason is None:
            return Finding(subject, True, "not enabled")
        by_operator = delivery.disabled_reason == DISABLED_BY_OPERATOR
        text = f"disabled: {delivery.disabled_reason}"
        return Finding(subject, by_operator, text if by_operator else f"{text}: {_cure(delivery, 'enable')}")
    if delivery.stopped_lanes:
        return Finding(subject, False, _stopped(delivery.stopped_lanes))
    if not delivery.has_sender:
        return Finding(subject, False, "no sender: start one with `orderlane serve` or `orderlane sender`")
    age = delivery.oldest_undelivered_age
    if age is None:
        return Finding(subject, True, "every event is delivered")
    text = f"the oldest undelivered event is {words(age)} old"
    if delivery.attempts:
        failed = f"{delivery.attempts} attempts failed, the last with: {delivery.last_error}"
        return Finding(subject, False, f"{text}, {failed}. If it is not needed any more: {_cure(delivery, 'disable')}")
    return Finding(subject, age <= WAITING_TOO_LONG, text)


def _cure(delivery: DeliveryHealth, verb: str) -> str:
    """The commands by which an operator changes a subscription."""
    return f"`orderlane webhook {verb} {delivery.subscription_id}`, or `delete` in place of `{verb}`"


def _stopped(lanes: Sequence[int]) -> str:
    return (
        f"nothing of lanes {', '.join(map(str, lanes))} is sent (cursor_forked): the subscriber has seen events that a"
        " failover or a restore has lost. Have it compare its orders with the API, then delete the subscription and"
        " create it anew"
    )
