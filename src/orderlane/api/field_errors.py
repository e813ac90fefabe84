"""Every field of a refused body at fault, with its path (`address.city`, `allocation[2].weight`) and what is right.

The decoder stops at the first mistake and does not number list entries; this walks the whole value, only after a
refusal.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec.structs import fields

from orderlane.api.errors import FieldError
from orderlane.api.expectations import bare, expectation

ERRORS_MAX: Final = 20


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
    except msgspec.ValidationError:
        yield FieldError(path, expectation(expected, value, is_text=is_text))


def in_words(errors: Sequence[FieldError], noun: str = "field") -> str:
    """One sentence for all of them: the field and what is right, or, of several, their names."""
    if len(errors) == 1:
        [error] = errors
        return f"{error.field}: {error.message}" if error.field else error.message
    count = f"{len(errors)} {noun}s" if len(errors) < ERRORS_MAX else f"{ERRORS_MAX} {noun}s or more"
    return f"{count} are wrong: {', '.join(error.field for error in errors)}"


def join(path: str, name: str) -> str:
    """The path of a member of what `path` leads to."""
    return f"{path}.{name}" if path else name
