"""The `webhooks` section: one entry and one schema for each type of event."""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from msgspec import Struct

from orderlane.api.openapi.schemas import PREFIX, Schema
from orderlane.domain.order import EXECUTION_TRANSITIONS, ORDER_TRANSITIONS
from orderlane.domain.portfolio_order import PORTFOLIO_ORDER_TRANSITIONS
from orderlane.domain.transitions import TransitionTable
from orderlane.resources.events import EventResource
from orderlane.resources.orders import ExecutionResource, OrderResource, PortfolioOrderResource

EVENT_OBJECTS: Final[Mapping[TransitionTable, type]] = {
    PORTFOLIO_ORDER_TRANSITIONS: PortfolioOrderResource,
    ORDER_TRANSITIONS: OrderResource,
    EXECUTION_TRANSITIONS: ExecutionResource,
}
"""What the events of each state machine carry."""

TEST_EVENT: Final = "WEBHOOK.TEST"

_SIGNATURE_HEADERS: Final[Mapping[str, str]] = {
    "webhook-id": "Names the request; a retry has the same (Standard Webhooks).",
    "webhook-timestamp": "When it was sent, in seconds since 1970 (Standard Webhooks).",
    "webhook-signature": "`v1a,` Ed25519 and `v1,` HMAC signatures, separated by spaces (Standard Webhooks).",
    "content-digest": "SHA-256 of the body (RFC 9530).",
    "signature-input": "What is signed, when and with which key (RFC 9421).",
    "signature": "The Ed25519 signature (RFC 9421); GET /auth/verify_keys gives the public key.",
}


def event_conditions() -> dict[str, tuple[type, list[str]]]:
    """For each type of event what it carries, and when it happens, in words."""
    conditions: dict[str, tuple[type, list[str]]] = {}
    for table, carried in EVENT_OBJECTS.items():
        for step in table:
            conditions.setdefault(step.event, (carried, []))[1].append(step.condition)
    return conditions


class Event(Struct):
    """Stands for any event until `event_schemas` describes it: msgspec describes no union of untagged structs."""


def with_events_replaced(answer: Any) -> Any:
    """The type with `Event` in the place of EventResource."""
    if answer is EventResource:
        return Event
    arguments = get_args(answer)
    if EventResource in arguments:
        replaced = tuple(with_events_replaced(argument) for argument in arguments)
        return get_origin(answer)[replaced]
    return answer


def event_schemas(objects: Mapping[Any, Schema], components: dict[str, Schema]) -> None:
    """Add to the components a schema for each type of event."""
    for event_type, (carried, conditions) in event_conditions().items():
        name = schema_name(event_type)
        components[name] = _event_schema(name, event_type, conditions, objects[carried])
    if "Event" in components:
        names = [schema_name(event_type) for event_type in event_conditions()]
        components["Event"] = {
            "title": "Event",
            "description": "An event of any type.",
            "oneOf": [{"$ref": f"{PREFIX}{name}"} for name in names],
        }


def webhooks() -> dict[str, Any]:
    """The section."""
    happening = {event_type: conditions for event_type, (_, conditions) in event_conditions().items()}
    happening[TEST_EVENT] = ["a subscription is tried out with POST /webhooks/{webhook_id}/test"]
    return {event_type: {"post": _delivery(event_type, conditions)} for event_type, conditions in happening.items()}


def schema_name(event_type: str) -> str:
    """`PortfolioOrderNewEvent` for PORTFOLIO_ORDER.NEW."""
    words = event_type.replace(".", "_").split("_")
    return f"{''.join(word.capitalize() for word in words)}Event"


def _event_schema(name: str, event_type: str, conditions: list[str], carried: Schema) -> Schema:
    count: Schema = {"type": "integer", "minimum": 1, "examples": [1]}
    sequence = {"type": "null"} if event_type.startswith("EXECUTION.") else count
    properties: dict[str, Schema] = {
        "id": {"type": "string", "format": "uuid", "description": "Names the event: a repeated one has the same."},
        "created_at": {"type": "string", "format": "date-time"},
        "type": {"const": event_type},
        "sequence": sequence | {"description": "Counts the events of the portfolio order, from 1 without a gap."},
        "portfolio_order_id": {
            "anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}],
            "description": "The portfolio order that it belongs to; null where there is none.",
        },
        "epoch": {
            "type": "integer",
            "minimum": 1,
            "description": "Grows when the database failed over or was restored.",
            "examples": [1],
        },
        "object": carried,
        "webhook_id": {"type": "string", "format": "uuid", "description": "The subscription, in a webhook only."},
    }
    return {
        "title": name,
        "description": f"{event_type}: {'; or '.join(conditions)}.",
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "webhook_id"],
    }


def _delivery(event_type: str, conditions: list[str]) -> dict[str, Any]:
    item = {"$ref": f"{PREFIX}{schema_name(event_type)}"}
    body = {"type": "object", "properties": {"payload": {"type": "array", "items": item}}, "required": ["payload"]}
    return {
        "operationId": f"deliver_{event_type.replace('.', '_').lower()}",
        "tags": ["Webhook events"],
        "summary": event_type,
        "description": (
            f"Sent when {'; or when '.join(conditions)}. A request holds any number of events of the types that the "
            "subscription asks for, those of an account in the order in which they happened."
        ),
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in _SIGNATURE_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "2XX": {"description": "Received. Anything else is sent again, byte by byte."},
            "410": {"description": "Gone: the subscription is disabled."},
        },
    }
