"""A schema as rows of a table: one for each field, in words."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

PREFIX: Final = "#/components/schemas/"
_BOUNDS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
}


def rows_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of an object: name, type in words, link to a component or None, whether required, description."""
    plain = components[schema["$ref"].removeprefix(PREFIX)] if "$ref" in schema else schema
    required = plain.get("required", [])
    return [
        {
            "name": name,
            "type": type_text(field),
            "link": link_of(field),
            "is_required": name in required,
            "description": field.get("description", ""),
        }
        for name, field in plain.get("properties", {}).items()
    ]


def type_text(schema: Mapping[str, Any]) -> str:
    """The type in words: `string (uuid)`, `BUY | SELL`, `list of AllocationEntry`."""
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(PREFIX))
    if "anyOf" in schema:
        return " or ".join(type_text(option) for option in schema["anyOf"])
    if "const" in schema:
        return msgspec.json.encode(schema["const"]).decode()
    if "enum" in schema:
        return " | ".join(str(value) or '""' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {type_text(schema.get('items', {}))}"
    return _plain_text(schema)


def link_of(schema: Mapping[str, Any]) -> str | None:
    """The component that the type names, if it names one."""
    for part in (schema, schema.get("items", {}), *schema.get("anyOf", [])):
        if "$ref" in part:
            return str(part["$ref"].removeprefix(PREFIX))
    return None


def example_text(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """An example as indented JSON."""
    plain = components[schema["$ref"].removeprefix(PREFIX)] if "$ref" in schema else schema
    example = plain["examples"][0] if "examples" in plain else None
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()


def _plain_text(schema: Mapping[str, Any]) -> str:
    name = str(schema.get("type", "any"))
    if "format" in schema:
        name += f" ({schema['format']})"
    bounds = [words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema]
    default = [f"default {schema['default']}"] if "default" in schema else []
    return ", ".join([name, *bounds, *default])
