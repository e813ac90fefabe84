"""Every field of a refused body at fault, with its path (`address.city`, `allocation[2].weight`) and what is right.

The decoder stops at the first mistake and does not number list entries; this walks the whole value, only after a
refusal.
"""

import re
from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields

from orderlane.api.errors import FieldError

ERRORS_MAX: Final = 20
_PLACE: Final = re.compile(r" - at `[^`]*`$")


def field_errors(value: Any, expected: Any, *, is_text: bool = False) -> list[FieldError]:
    """What of `value` (decoded JSON) does not fit the type; at most `ERRORS_MAX`. `is_text`: the leaves are strings."""
    return [error for error, _ in zip(_errors(value, expected, "", is_text), range(ERRORS_MAX), strict=False)]


def zero_character_errors(value: Any) -> list[FieldError]:
    """Which texts of `value` (decoded JSON) hold the character U+0000, which the database cannot keep."""
    return [FieldError(path, "holds the character U+0000") for path, text in _texts(value, "") if "\x00" in text]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for name, inner in value.items():
                yield from _texts(inner, join(path, name))
        case list():
            for index, entry in enumerate(value):
                yield from _texts(entry, f"{path}[{index}]")


def _errors(value: Any, expected: Any, path: str, is_text: bool) -> Iterator[FieldError]:
    plain = bare(expected)
    inner = None
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct) and isinstance(value, dict):
        inner = _struct_errors(value, plain, path, is_text)
    elif get_origin(plain) is list and isinstance(value, list):
        inner = _list_errors(value, get_args(plain)[0], path, is_text)
    is_explained = False
    for error in inner or ():
        is_explained = True
        yield error
    if not is_explained:
        yield from _own_error(value, expected, path, is_text)


def _struct_errors(
    value: dict[str, Any], struct: type[msgspec.Struct], path: str, is_text: bool
) -> Iterator[FieldError]:
    known = {field.encode_name: field for field in fields(struct)}
    for name in value.keys() - known.keys():
        yield FieldError(join(path, name), f"unknown field; known are {', '.join(known)}")
    for name, field in known.items():
        if name in value:
            yield from _errors(value[name], field.type, join(path, name), is_text)
        elif field.required:
            yield FieldError(join(path, name), "is missing")


def _list_errors(value: list[Any], expected: Any, path: str, is_text: bool) -> Iterator[FieldError]:
    for index, entry in enumerate(value):
        yield from _errors(entry, expected, f"{path}[{index}]", is_text)


def _own_error(value: Any, expected: Any, path: str, is_text: bool) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, expected, strict=not is_text)
    except msgspec.ValidationError as error:
        yield FieldError(path, _case_hint(value, expected) + refusal_text(error, expected))


def _case_hint(value: Any, expected: Any) -> str:
    """Name the choice that is meant by a text in another case, if one is."""
    choices = {choice.casefold(): choice for choice in _choices(bare(expected))}
    meant = choices.get(value.casefold()) if isinstance(value, str) else None
    return f"did you mean {meant}? It " if meant is not None and meant != value else ""


def refusal_text(error: msgspec.ValidationError, expected: Any) -> str:
    """Say what would be right in place of what the decoder refused: the values of a choice, the form of a text."""
    message = _PLACE.sub("", str(error))
    if message.startswith("Invalid enum value") and (choices := _choices(bare(expected))):
        return f"must be one of {', '.join(choices)}"
    if " matching regex " in message and (meta := _form(expected)):
        description = (meta.description or f"a text that matches {meta.pattern}").rstrip(".")
        example = f", for example {meta.examples[0]}" if meta.examples else ""
        return f"must have this form: {description}{example}"
    return message


def _choices(plain: Any) -> list[str]:
    if isinstance(plain, type) and issubclass(plain, Enum):
        return [str(member.value) for member in plain]
    if get_origin(plain) in (Union, UnionType):
        return [choice for option in get_args(plain) for choice in _choices(bare(option))]
    return [str(choice) for choice in get_args(plain)] if get_origin(plain) is Literal else []


def _form(expected: Any) -> msgspec.Meta | None:
    """The annotation that holds the pattern of a text, wherever in the type it stands."""
    for argument in get_args(expected):
        if isinstance(argument, msgspec.Meta) and argument.pattern is not None:
            return argument
        if (inner := _form(argument)) is not None:
            return inner
    return None


def bare(expected: Any) -> Any:
    """Return the type without annotations, and without the alternatives None and UNSET."""
    if get_origin(expected) is Annotated:
        return bare(get_args(expected)[0])
    if get_origin(expected) in (Union, UnionType):
        options = [option for option in get_args(expected) if option not in (type(None), msgspec.UnsetType)]
        return bare(options[0]) if len(options) == 1 else expected
    return expected


def join(path: str, name: str) -> str:
    """The path of a member of what `path` leads to."""
    return f"{path}.{name}" if path else name
