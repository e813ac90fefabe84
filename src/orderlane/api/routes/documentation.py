"""The documentation that the service carries: the OpenAPI document, a page of it, the catalogue of problems."""

from typing import Annotated

from msgspec import Meta, Struct

from orderlane.api import problem_types
from orderlane.api.answers import JSON, Answer
from orderlane.api.operations import Call, Unit, operation
from orderlane.api.pages.reference import CSS, HTML, JAVASCRIPT, SECURITY_HEADERS
from orderlane.ports.errors import NotFound

TAG = "Documentation"


class OpenApiDocument(Struct, frozen=True):
    """An OpenAPI 3.1 document."""

    openapi: Annotated[str, Meta(examples=["3.1.0"])]


@operation("GET", "/openapi.json", tag=TAG, unit=Unit.NONE, summary="The OpenAPI document")
async def get_openapi_document(call: Call) -> OpenApiDocument | Answer:
    """OpenAPI 3.1, with a `webhooks` section."""
    return Answer(200, call.serving.pages.document, JSON)


@operation("GET", "/docs", tag=TAG, unit=Unit.NONE, media_type=HTML, summary="The documentation as a page")
async def get_documentation(call: Call) -> Answer:
    """Every call, resource and event; needs nothing from outside."""
    return Answer(200, call.serving.pages.reference, HTML, SECURITY_HEADERS)


@operation("GET", "/errors", tag=TAG, unit=Unit.NONE, media_type=HTML, summary="Every problem, its cause and its cure")
async def list_problem_types(call: Call) -> Answer:
    """The catalogue of problems as a page."""
    return Answer(200, call.serving.pages.problems, HTML, SECURITY_HEADERS)


@operation(
    "GET",
    "/errors/{code}",
    tag=TAG,
    unit=Unit.NONE,
    media_type=HTML,
    problems=(problem_types.NOT_FOUND,),
    summary="One problem, its cause and its cure",
)
async def get_problem_type(call: Call, code: str) -> Answer:
    """What the `type` of a problem document leads to."""
    page = call.serving.pages.problem(code)
    if page is None:
        raise NotFound("problem", code)
    return Answer(200, page, HTML, SECURITY_HEADERS)


@operation("GET", "/docs/style.css", tag=TAG, unit=Unit.NONE, media_type=CSS, is_listed=False, summary="Style")
async def get_style(call: Call) -> Answer:
    """The looks of the pages."""
    return Answer(200, call.serving.pages.style, CSS)


@operation("GET", "/docs/search.js", tag=TAG, unit=Unit.NONE, media_type=JAVASCRIPT, is_listed=False, summary="Search")
async def get_search(call: Call) -> Answer:
    """The search of the page."""
    return Answer(200, call.serving.pages.search, JAVASCRIPT)


OPERATIONS = (get_openapi_document, get_documentation, list_problem_types, get_problem_type, get_style, get_search)
