"""What a field or parameter must be, in words made from its type: `must be a decimal string such as "1000.00"`.

A refused value is told what is right, never what the decoder said: its words name types of Python and of JSON.
"""

import datetime
import json
from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin
from uuid import UUID

import msgspec

from orderlane.resources.requests import NO_CONTROL_CHARACTERS

_NAMED: Final = {
    bool: "true or false",
    int: "a whole number",
    UUID: 'a UUID such as "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"',
    datetime.date: 'a date such as "1985-12-10"',
    datetime.datetime: 'a moment with its offset such as "2026-03-02T09:00:00Z"',
    dict: "an object",
}


def expectation(expected: Any, value: Any = None, *, is_text: bool = False) -> str:
    """What a value of the type must be. `value` was refused; `is_text`: it stands in a query, a path or a form."""
    plain, metas = bare(expected), list(_metas(expected))
    if choices := choices_of(plain):
        return _one_of(choices, value)
    described = _described(plain, metas)
    return f"must be {described} or null" if _may_be_null(expected) and not is_text else f"must be {described}"


def bare(expected: Any) -> Any:
    """Return the type without annotations and names of its own, and without the alternatives None and UNSET."""
    if get_origin(expected) is Annotated:
        return bare(get_args(expected)[0])
    if isinstance(expected, NewType):
        return bare(expected.__supertype__)
    if get_origin(expected) in (Union, UnionType):
        options = [option for option in get_args(expected) if option not in (type(None), msgspec.UnsetType)]
        return bare(options[0]) if len(options) == 1 else expected
    return expected


def choices_of(plain: Any) -> list[str]:
    """The values of a choice, as text; none for any other type."""
    if isinstance(plain, type) and issubclass(plain, Enum):
        return [str(member.value) for member in plain]
    if get_origin(plain) in (Union, UnionType):
        return [choice for option in get_args(plain) for choice in choices_of(bare(option))]
    return [str(choice) for choice in get_args(plain)] if get_origin(plain) is Literal else []


def _one_of(choices: list[str], value: Any) -> str:
    meant = value.upper() if isinstance(value, str) else ""
    if meant in choices and meant != value:
        return f"must be {meant}, in capital letters"
    shown = [choice or '""' for choice in choices]
    return f"must be {shown[0]}" if len(shown) == 1 else f"must be one of {', '.join(shown)}"


def _described(plain: Any, metas: list[msgspec.Meta]) -> str:
    if plain is str:
        return _text(metas)
    if get_origin(plain) is list:
        return _bounded("a list", "entries", metas)
    if plain is int:
        return _number(metas)
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return "an object"
    return _NAMED.get(get_origin(plain) or plain, "of another type")


def _text(metas: list[msgspec.Meta]) -> str:
    """The nearest annotation with a pattern says it best: its description, with an example."""
    form = next((meta for meta in metas if meta.pattern is not None), None)
    if form is None or form.pattern == NO_CONTROL_CHARACTERS:
        bounded = _bounded("text", "characters", metas)
        return bounded if form is None else f"{bounded} without control characters"
    description = (form.description or f"text that matches {form.pattern}").rstrip(".")
    examples = [meta.examples[0] for meta in metas if meta.examples]
    head, colon, rest = description.partition(": ")
    example = f" such as {json.dumps(examples[0])}" if examples else ""
    return f"{_lowered(head)}{example}{colon}{rest}"


def _number(metas: list[msgspec.Meta]) -> str:
    least = next((meta.ge for meta in metas if meta.ge is not None), None)
    greatest = next((meta.le for meta in metas if meta.le is not None), None)
    if least is None and greatest is None:
        return "a whole number"
    if greatest is None:
        return f"a whole number, at least {least}"
    return f"a whole number, at most {greatest}" if least is None else f"a whole number from {least} to {greatest}"


def _bounded(what: str, unit: str, metas: list[msgspec.Meta]) -> str:
    least = next((meta.min_length for meta in metas if meta.min_length is not None), None)
    greatest = next((meta.max_length for meta in metas if meta.max_length is not None), None)
    if greatest is None:
        return what if least is None else f"{what} of at least {least} {unit}"
    return f"{what} of {f'{least} to' if least else 'at most'} {greatest} {unit}"


def _metas(expected: Any) -> Iterator[msgspec.Meta]:
    """The annotations of the type itself, outermost first; not those of a list's entries."""
    if get_origin(expected) is Annotated:
        inner, *annotations = get_args(expected)
        yield from (meta for meta in reversed(annotations) if isinstance(meta, msgspec.Meta))
        yield from _metas(inner)
    elif get_origin(expected) in (Union, UnionType):
        for option in get_args(expected):
            yield from _metas(option)


def _may_be_null(expected: Any) -> bool:
    if get_origin(expected) is Annotated:
        return _may_be_null(get_args(expected)[0])
    return get_origin(expected) in (Union, UnionType) and type(None) in get_args(expected)


def _lowered(description: str) -> str:
    """The description as it goes on in a sentence: `A UUID` begins small, `ISO 4217 code` does not."""
    word = description.partition(" ")[0]
    return description[0].lower() + description[1:] if word[1:].islower() or len(word) == 1 else description
