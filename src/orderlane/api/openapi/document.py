"""The whole document."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Final

import msgspec

from orderlane.api.error_map import Problem
from orderlane.api.openapi.events import EVENT_OBJECTS, event_schemas, webhooks, with_events_replaced
from orderlane.api.openapi.responses import component_responses, problem_examples, responses_of
from orderlane.api.openapi.schemas import Schema, add_examples, component_schemas, resolve
from orderlane.api.operations import Access, Operation
from orderlane.api.scopes import Scope
from orderlane.ports.idempotency import KEPT_FOR
from orderlane.resources.webhooks import WebhookTestEvent

DESCRIPTION: Final = """\
Orderlane takes one order for a whole portfolio, splits it into individual orders, executes them at a venue, and tells \
every state transition by webhook and here.

Amounts, quantities, prices and weights are decimal strings, times RFC 3339 in UTC with milliseconds, ids UUIDs. \
Unknown fields and parameters are refused. Every answer has the header `upvest-request-id`; every refusal is a problem \
document (RFC 9457) whose `type` is an address here that tells cause and cure.\
"""

_HEADERS: Final = {
    "RequestId": {"description": "Names the request in the log.", "schema": {"type": "string", "format": "uuid"}},
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "WwwAuthenticate": {"description": "How to prove who calls.", "schema": {"type": "string"}},
    "IdempotentReplayed": {
        "description": "`true` when this is the first answer under the idempotency key once more.",
        "schema": {"const": "true"},
    },
}
_IDEMPOTENCY_KEY: Final = {
    "name": "idempotency-key",
    "in": "header",
    "required": True,
    "description": (
        "Names what is wanted: repeated with the same body it gets the first answer again. "
        f"Kept for {KEPT_FOR // timedelta(hours=1)} hours."
    ),
    "schema": {"type": "string", "format": "uuid"},
}
_COMMON_PARAMETERS: Final = (
    {
        "name": "upvest-api-version",
        "in": "header",
        "description": "The version of the API.",
        "schema": {"const": "1"},
    },
    {
        "name": "upvest-client-id",
        "in": "header",
        "description": "The client; must be the one of the token.",
        "schema": {"type": "string", "format": "uuid"},
    },
)


def openapi_document(operations: Sequence[Operation], public_url: str = "/") -> dict[str, Any]:
    """The document of these operations, served under `public_url`, as JSON has it: lists, not tuples."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_document(operations, public_url)))
    return document


def _document(operations: Sequence[Operation], public_url: str) -> dict[str, Any]:
    listed = [operation for operation in operations if operation.is_listed]
    schemas, components = component_schemas(_types(listed))
    event_schemas(schemas, components)
    add_examples(components)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas, components)
    for query in {operation.query for operation in listed if operation.query is not None}:
        # what a query holds is told as parameters
        del components[query.__name__]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Orderlane",
            "version": version("orderlane"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "tags": [
            {"name": name} for name in dict.fromkeys([*(operation.tag for operation in listed), "Webhook events"])
        ],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": component_responses(),
            "examples": problem_examples(),
            "headers": _HEADERS,
            "securitySchemes": _security_schemes(),
        },
    }


def _types(operations: Iterable[Operation]) -> list[Any]:
    found: dict[Any, None] = {Problem: None, WebhookTestEvent: None, **dict.fromkeys(EVENT_OBJECTS.values())}
    for operation in operations:
        described = (operation.body, operation.query, _answer(operation), *operation.parameters.values())
        found.update(dict.fromkeys(each for each in described if each is not None))
    return list(found)


def _answer(operation: Operation) -> Any:
    return with_events_replaced(operation.answer) if _is_json(operation) else None


def _is_json(operation: Operation) -> bool:
    return operation.media_type == "application/json"


def _operation(operation: Operation, schemas: dict[Any, Schema], components: dict[str, Schema]) -> dict[str, Any]:
    answer = schemas.get(_answer(operation)) if _is_json(operation) else {"type": "string"}
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation, schemas, components),
        "responses": responses_of(operation, answer),
        "security": _security(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {operation.body_media_type: {"schema": schemas[operation.body]}},
        }
    return described


def _parameters(
    operation: Operation, schemas: dict[Any, Schema], components: dict[str, Schema]
) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": schemas[expected]}
        for name, expected in operation.parameters.items()
    ]
    headers = [_IDEMPOTENCY_KEY] if operation.idempotent else []
    common = _COMMON_PARAMETERS if operation.access is Access.TOKEN else ()
    return [*path, *_query_parameters(operation, schemas, components), *headers, *common]


def _query_parameters(
    operation: Operation, schemas: dict[Any, Schema], components: dict[str, Schema]
) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    struct = resolve(schemas[operation.query], components)
    required = struct.get("required", [])
    return [_query_parameter(name, dict(each), name in required) for name, each in struct["properties"].items()]


def _query_parameter(name: str, schema: Schema, is_required: bool) -> dict[str, Any]:
    if "anyOf" in schema:
        # what is left out is null in the struct; a query cannot say null
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        schema = rest | (options[0] if len(options) == 1 else {"anyOf": options})
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": is_required}
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    return parameter | {"schema": schema}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.access is Access.ANYBODY:
        return []
    scopes = [str(operation.scope)]
    return [{"token": scopes}, {"token": scopes, "signature": []}]


def _security_schemes() -> dict[str, Any]:
    return {
        "token": {
            "type": "oauth2",
            "description": "Client credentials, by form or HTTP Basic, for POST /auth/token; `X:admin` has `X:read`.",
            "flows": {
                "clientCredentials": {"tokenUrl": "/auth/token", "scopes": {scope: _words(scope) for scope in Scope}}
            },
        },
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": "signature",
            "description": (
                "HTTP message signature with `signature-input`: RFC 9421, or the draft's form announced by "
                "`upvest-signature-version: 15`. Verified whenever it is there, demanded when the operator says so."
            ),
        },
    }


def _words(scope: Scope) -> str:
    resource, _, right = scope.partition(":")
    return f"Read {resource}." if right == "read" else f"Read and change {resource}."


def document_bytes(operations: Sequence[Operation], public_url: str = "/") -> bytes:
    """The document as indented JSON, ending in a line feed."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(operations, public_url)), indent=2) + b"\n"
