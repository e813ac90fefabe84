"""The pages: the reference from the OpenAPI document, and the catalogue of problems."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import msgspec
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from orderlane.api.pages.schema_rows import example_text, rows_of
from orderlane.api.problem_types import PROBLEM_TYPES

HTML: Final = "text/html; charset=utf-8"
CSS: Final = "text/css; charset=utf-8"
JAVASCRIPT: Final = "text/javascript; charset=utf-8"
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_FILES: Final = files("orderlane.api.pages")
_BACKTICKS: Final = re.compile("`([^`]+)`")
_METHODS: Final = ("get", "post", "put", "patch", "delete")


class Pages:
    """The document and the pages, each made when it is first asked for."""

    def __init__(self, make_document: Callable[[], bytes]) -> None:
        self._make_document = make_document
        templates = {name: _text(name) for name in ("base.jinja", "reference.jinja", "problems.jinja", "schema.jinja")}
        self._templates = Environment(
            loader=DictLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["code"] = _with_code

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document as JSON."""
        return self._make_document()

    @cached_property
    def reference(self) -> bytes:
        """The page of every call, resource and event."""
        document = msgspec.json.decode(self.document)
        components = document["components"]["schemas"]
        return self._render(
            "reference.jinja",
            document=document,
            operations=_by_tag(document["paths"]),
            response=lambda response: _response(response, document["components"]["responses"]),
            events=document["webhooks"],
            components=components,
            rows=lambda schema: rows_of(schema, components),
            example=lambda schema: example_text(schema, components),
        )

    @cached_property
    def problems(self) -> bytes:
        """The page of every problem."""
        return self._render("problems.jinja", problems=PROBLEM_TYPES, title="Problems")

    @cached_property
    def style(self) -> bytes:
        """The style sheet."""
        return _text("style.css").encode()

    @cached_property
    def search(self) -> bytes:
        """The script of the search."""
        return _text("search.js").encode()

    def problem(self, code: str) -> bytes | None:
        """The page of one problem, or None when there is none of that name."""
        named = [problem for problem in PROBLEM_TYPES if problem.code == code]
        return self._render("problems.jinja", problems=named, title=named[0].title) if named else None

    def _render(self, template: str, **values: Any) -> bytes:
        return self._templates.get_template(template).render(**values).encode()


def _with_code(text: str) -> Markup:
    """The text with what stands between backticks as code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _text(name: str) -> str:
    return (_FILES / name).read_text("utf-8")


def _response(response: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """The response itself, where there is a reference to one."""
    return components[response["$ref"].rpartition("/")[2]] if "$ref" in response else response


def _by_tag(paths: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations under their first tag, each with its method and path."""
    by_tag: dict[str, list[dict[str, Any]]] = {}
    for path, methods in paths.items():
        for method in _METHODS:
            if method in methods:
                described = methods[method]
                tagged = by_tag.setdefault(described["tags"][0], [])
                tagged.append({**described, "method": method.upper(), "path": path})
    return by_tag
