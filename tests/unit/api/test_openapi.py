"""The OpenAPI document: complete, valid, with examples that fit, and the published file is fresh."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

from orderlane.api.lists import LIMIT_MAX
from orderlane.api.openapi.document import document_bytes, openapi_document
from orderlane.api.openapi.events import TEST_EVENT, event_conditions, schema_name
from orderlane.api.openapi.schemas import NO_EXAMPLE
from orderlane.api.pages.reference import Pages
from orderlane.api.problem_types import PROBLEM_TYPES, PUBLIC_URL_DEFAULT
from orderlane.api.routes import OPERATIONS

ROOT = Path(__file__).parents[3]
DOCUMENT = openapi_document(OPERATIONS)
COMPONENTS = DOCUMENT["components"]
CALLS = {
    f"{method.upper()} {path}": call for path, methods in DOCUMENT["paths"].items() for method, call in methods.items()
}


def fits(value: Any, name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(value)


def texts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in texts(inner)]
    return [one for inner in value for one in texts(inner)] if isinstance(value, list) else [value]


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_listed_operation_is_in_it() -> None:
    assert CALLS.keys() == {f"{one.method} {one.path}" for one in OPERATIONS if one.is_listed}


@pytest.mark.parametrize("name", COMPONENTS["schemas"])
def test_every_schema_has_an_example_that_fits(name: str) -> None:
    [example] = COMPONENTS["schemas"][name]["examples"]

    fits(example, name)


def test_every_text_field_has_an_example_that_says_something() -> None:
    mute = [
        f"{name}.{field}"
        for name, schema in COMPONENTS["schemas"].items()
        if "properties" in schema
        for field, value in schema["examples"][0].items()
        if NO_EXAMPLE in texts([value])
    ]

    assert mute == [], "say it where the field is declared: Annotated[str, Meta(examples=[...])]"


def test_every_problem_has_an_example_that_fits() -> None:
    assert COMPONENTS["examples"].keys() == {one.code for one in PROBLEM_TYPES}
    for example in COMPONENTS["examples"].values():
        fits(example["value"], "Problem")


@pytest.mark.parametrize("name", CALLS)
def test_every_call_says_what_it_demands_and_may_answer(name: str) -> None:
    call = CALLS[name]
    is_open = call["security"] == []
    statuses = set(call["responses"])

    assert call["summary"]
    assert call["description"]
    assert {"500", "406"} <= statuses
    assert is_open or {"401", "403", "429", "503"} <= statuses
    assert ("requestBody" in call) <= ({"400", "413", "415"} <= statuses)
    names = [one["name"] for one in call["parameters"]]
    assert ("limit" in names) == ("offset" in names)
    assert ("idempotency-key" in names) <= ("422" in statuses)


def test_the_parameters_of_a_list() -> None:
    parameters = {one["name"]: one["schema"] for one in CALLS["GET /users"]["parameters"] if one["in"] == "query"}

    assert parameters.keys() == {"offset", "limit", "sort", "order"}
    assert (parameters["limit"]["default"], parameters["limit"]["maximum"]) == (100, LIMIT_MAX)
    assert parameters["order"]["enum"] == ["ASC", "DESC"]


def test_every_type_of_event_has_a_webhook_and_a_schema() -> None:
    assert DOCUMENT["webhooks"].keys() == {*event_conditions(), TEST_EVENT}
    assert {"PORTFOLIO_ORDER.NEW", "ORDER.PROCESSING", "EXECUTION.FILLED"} <= DOCUMENT["webhooks"].keys()
    for event_type in event_conditions():
        [example] = COMPONENTS["schemas"][schema_name(event_type)]["examples"]
        assert example["type"] == event_type
        assert (example["sequence"] is None) == event_type.startswith("EXECUTION.")


def test_patterns_are_those_of_json_schema() -> None:
    assert r"\\Z" not in msgspec.json.encode(DOCUMENT).decode()


def test_the_published_file_is_fresh() -> None:
    file = ROOT / "docs" / "reference" / "openapi.json"

    command = "python -m orderlane.api.openapi > docs/reference/openapi.json"
    assert file.read_bytes() == document_bytes(OPERATIONS), f"write it anew: {command}"


def test_the_page_shows_every_call_and_event_and_needs_nothing_from_outside() -> None:
    page = Pages(lambda: document_bytes(OPERATIONS)).reference.decode()

    for call in CALLS.values():
        assert f'id="{call["operationId"]}"' in page
    for event_type in DOCUMENT["webhooks"]:
        assert f'id="event-{event_type}"' in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace(PUBLIC_URL_DEFAULT, "")
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_an_address_of_its_own_can_be_told() -> None:
    assert openapi_document(OPERATIONS, "https://api.example.com")["servers"] == [{"url": "https://api.example.com"}]
