"""Writes the catalogue of webhook events: `python -m tools.webhook_events > docs/reference/webhook-events.md`.

The examples are events that the rules emit and the bytes that are sent, for a small portfolio order of their own.
"""

import json
from collections.abc import Iterator, Mapping

from orderlane.domain.events import topic_of
from orderlane.domain.ids import SubscriptionId, event_id
from orderlane.resources.events import addressed, freeze
from orderlane.sources import seeded_sources
from tests.unit.domain.worlds import NOW, SLOT, accepted, ended, filling, world_of_two
from tools.state_machines import TABLES

OBJECTS = {"PORTFOLIO_ORDER": "portfolio order", "ORDER": "individual order", "EXECUTION": "execution"}
SHOWN = ("PORTFOLIO_ORDER.PROCESSING", "ORDER.FILLED", "EXECUTION.FILLED")
WEBHOOK_ID = SubscriptionId("cd2e4183-4e62-4e0f-981b-44b594d14610")

HEADING = """\
# Webhook events

Made from the state machines by `python -m tools.webhook_events`. The schema of each event is in the `webhooks` section
of [openapi.json](openapi.json); how to receive and verify them: [receive webhooks](../howto/receive-webhooks.md).

A subscription's `type` names categories: what stands before the dot. `ALL` is every category, also those to come.
The guide's story of a portfolio order is told by `ORDER` and `PORTFOLIO_ORDER`.

| event | when | `object` |
|---|---|---|"""

SEQUENCE = """\

`sequence` counts the `PORTFOLIO_ORDER` and `ORDER` events of a portfolio order from 1 without a gap: who subscribes to
both can prove that nothing is missing. `EXECUTION` events have `null`; the executions are in the `ORDER` events too.

`object` is the resource as it was at that transition, never a later state. The events of one account arrive in the
order in which they happened. An event may arrive more than once, with the same bytes: tell them apart by `id`."""


def page() -> str:
    """The whole page."""
    examples = told_events()
    return "\n".join([HEADING, *rows(examples), SEQUENCE, *shown(examples)]) + "\n"


def rows(examples: Mapping[str, bytes]) -> Iterator[str]:
    """A line for each type of event."""
    for table in TABLES:
        conditions: dict[str, list[str]] = {}
        for step in table:
            conditions.setdefault(step.event, []).append(step.condition)
        for event_type, found in conditions.items():
            when = "; or ".join(found) if event_type in examples else f"{found[0]} (no rule takes this step yet)"
            yield f"| `{event_type}` | {when} | {OBJECTS[topic_of(event_type)]} |"


def shown(examples: Mapping[str, bytes]) -> Iterator[str]:
    """An example for each kind of object."""
    for event_type in SHOWN:
        yield from ("", f"## {event_type}", "", "```json")
        yield json.dumps(json.loads(addressed(examples[event_type], WEBHOOK_ID)), indent=2)
        yield "```"


def told_events() -> dict[str, bytes]:
    """An event of each type that the rules emit, from a BUY that is settled and one that is cancelled."""
    new_id = seeded_sources(1, NOW).ids.new_id
    world = world_of_two(new_id=new_id)
    world.deposit("2000")
    settled, cancelled = world.place("BUY", "1000"), world.place("BUY", "500")
    first, second = world.orders(settled)
    world.report(accepted(first), filling(first, "4711"), accepted(second), filling(second, "4712"))
    world.report(*(ended(order) for order in world.orders(cancelled)))
    world.settle(settled)
    events: dict[str, bytes] = {}
    for event in world.events:
        ids = [event_id(new_id(), NOW, 0, SLOT)]
        parent_id = event.subject.parent.id
        frozen = freeze([event], ids, created_at=NOW, parent_id=parent_id, epoch=1, official_reasons=False)
        events.setdefault(event.type, frozen)
    return events


if __name__ == "__main__":
    print(page(), end="")
