"""Every answer that a test gets is held against the OpenAPI document: status, media type, headers and body."""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from orderlane.api.openapi.document import openapi_document
from orderlane.api.routes import OPERATIONS

UNDOCUMENTED = {"/docs/style.css", "/docs/search.js"}


@cache
def document() -> dict[str, Any]:
    return openapi_document(OPERATIONS)


async def check_answer(answer: httpx.Response) -> None:
    """Fails the test whose answer is not documented."""
    await answer.aread()
    request = answer.request
    assert "upvest-request-id" in answer.headers
    if request.method in ("HEAD", "OPTIONS") or request.url.path in UNDOCUMENTED:
        return
    methods = _methods(request.url.raw_path.decode().partition("?")[0])
    if request.method.lower() not in methods:
        assert answer.status_code == (405 if methods else 404), answer.text
        _validator("#/components/schemas/Problem").validate(answer.json())
        return
    responses = methods[request.method.lower()]["responses"]
    assert str(answer.status_code) in responses, f"{request.method} {request.url.path}: {answer.text}"
    _check_response(answer, _resolved(responses[str(answer.status_code)]))


def _check_response(answer: httpx.Response, response: dict[str, Any]) -> None:
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if "content" not in response:
        assert answer.content == b""
        return
    assert media_type in response["content"], f"{media_type} is not documented"
    schema = response["content"][media_type]["schema"]
    if "$ref" in schema:
        _validator(schema["$ref"]).validate(answer.json())
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) >= 1


def _methods(path: str) -> dict[str, Any]:
    """The operations of the path that fits best: one without parameters goes before one with."""
    fitting = [template for template in document()["paths"] if _pattern(template).fullmatch(path)]
    return document()["paths"][min(fitting, key=lambda one: one.count("{"))] if fitting else {}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[a-z_]+\\}", "[^/%]+", re.escape(template)))


def _resolved(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in response:
        return document()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response


@cache
def _validator(reference: str) -> Draft202012Validator:
    schema = {"$ref": reference, "components": document()["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())
