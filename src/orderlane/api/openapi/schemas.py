"""Schemas of structs: made by msgspec, named for readers, with formats and examples."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import msgspec

from orderlane.api.openapi.fields import EXAMPLES, FORMAT_EXAMPLES, format_of

PREFIX: Final = "#/components/schemas/"
NO_EXAMPLE: Final = "text"

Schema = dict[str, Any]


def component_schemas(types: Sequence[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """A schema (mostly a reference) for each type, and the components that they refer to, by name."""
    described, components = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
    schemas = {kind: _renamed(schema) for kind, schema in zip(types, described, strict=True)}
    named = {_name(name): _renamed(schema) for name, schema in components.items()}
    for name, schema in named.items():
        _finish(name, schema)
    return schemas, named


def resolve(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Mapping[str, Any]:
    """The schema itself, where there is a reference to one."""
    reference = schema.get("$ref")
    return schema if reference is None else components[reference.removeprefix(PREFIX)]


def add_examples(components: Mapping[str, Schema]) -> None:
    """Give an example to every component that has none."""
    for name, schema in components.items():
        schema.setdefault("examples", [example_of(name, "", schema, components)])


def example_of(owner: str, field: str, schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Any:
    """A value that fits the schema of a field of the component `owner`, or of the component itself."""
    if "examples" in schema:
        return deepcopy(schema["examples"][0])
    if "const" in schema:
        return schema["const"]
    for name in (f"{owner}.{field}", field):
        if name in EXAMPLES and _fits(EXAMPLES[name], schema):
            return EXAMPLES[name]
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        return example_of(name, "", components[name], components)
    for options in ("anyOf", "oneOf"):
        if options in schema:
            return example_of(owner, field, schema[options][0], components)
    return _plain_example(owner, field, schema, components)


def _plain_example(owner: str, field: str, schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Any:
    if "enum" in schema:
        return next((value for value in schema["enum"] if value), schema["enum"][0])
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: example_of(owner, name, inner, components) for name, inner in properties.items()}
        case "array":
            return [example_of(owner, field, schema["items"], components)] if "items" in schema else []
        case "integer" | "number":
            return schema.get("default", schema.get("minimum", 1))
        case "boolean":
            return schema.get("default", True)
        case "string":
            return FORMAT_EXAMPLES.get(schema.get("format", ""), NO_EXAMPLE)
        case "null":
            return None
        case _:
            return {}


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether an example that was found by its name is of the type that the schema wants."""
    types = {option.get("type") for option in schema.get("anyOf", [schema])}
    wanted = {str: "string", int: "integer", bool: "boolean", type(None): "null"}[type(value)]
    return wanted in types or ("enum" in schema and value in schema["enum"])


def _finish(name: str, schema: Schema) -> None:
    schema["title"] = name
    for field, inner in schema.get("properties", {}).items():
        for option in inner.get("anyOf", [inner]):
            if option.get("type") == "string" and not option.keys() & {"format", "pattern", "enum"}:
                option.update(format_of(field))


def _renamed(schema: Any) -> Any:
    """The schema with its references renamed, and patterns as ECMA-262 writes them, where $ is the very end.

    What is a UUID needs no pattern beside its format.
    """
    if isinstance(schema, list):
        return [_renamed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _renamed(value) for key, value in schema.items()}
    if isinstance(schema.get("$ref"), str):
        changed["$ref"] = PREFIX + _name(schema["$ref"].removeprefix(PREFIX))
    if schema.get("format") == "uuid":
        changed.pop("pattern", None)
    elif isinstance(schema.get("pattern"), str):
        changed["pattern"] = schema["pattern"].replace(r"\Z", "$")
    return changed


def _name(name: str) -> str:
    """`User` for UserResource, `UserList` for ResourceList[UserResource]."""
    if name.startswith("ResourceList_"):
        return f"{_name(name.removeprefix('ResourceList_').rstrip('_'))}List"
    return name.removesuffix("Resource")
