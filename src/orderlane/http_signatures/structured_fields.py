"""Structured field values (RFC 9651), as far as signatures and digests use them.

Dictionaries of items and inner lists with parameters; strings, integers, tokens, byte sequences and
booleans. Stricter than the RFC in one place: a repeated key is an error, for its meaning would depend on
the reader.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, NoReturn


class StructuredFieldError(ValueError):
    """The text is not a structured field; the message says where and why."""


class TooManyMembers(StructuredFieldError):
    """The text holds more members than the reader will work through."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} members")
        self.limit = limit


class Token(str):
    """A bare word, which is a type of its own beside the string."""

    __slots__ = ()


BareItem = str | int | bool | bytes
Parameters = Mapping[str, BareItem]


class Item(NamedTuple):
    """One value and its parameters."""

    value: BareItem
    parameters: Parameters


class InnerList(NamedTuple):
    """A parenthesised list of items, with parameters of its own."""

    items: tuple[Item, ...]
    parameters: Parameters


class Member(NamedTuple):
    """One member of a dictionary: its value, and the text of it as it was received."""

    value: Item | InnerList
    text: str


_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]{0,99}(?![a-z0-9_\-.*])")
_STRING: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
# The one item that real signatures are made of, read in one step: a string without escapes and parameters.
_PLAIN_ITEM: Final = re.compile(r' *"([ !#-\[\]-~]*)"(?=[ )])')
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_BOOLEAN: Final = re.compile(r"\?([01])")
_OPTIONAL_WHITESPACE: Final = re.compile(r"[ \t]*")
_SPACES: Final = re.compile(r" *")
_NO_PARAMETERS: Final[Parameters] = {}


class _Scanner:
    """A place in a text, which only moves forward."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def refuse(self, expected: str) -> NoReturn:
        raise StructuredFieldError(f"expected {expected} at character {self.at + 1}")

    def ended(self) -> bool:
        return self.at >= len(self.text)

    def follows(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def skip(self, character: str) -> bool:
        if not self.follows(character):
            return False
        self.at += 1
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def pass_over(self, pattern: re.Pattern[str]) -> None:
        self.match(pattern)

    def take(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        match = self.match(pattern)
        if match is None:
            self.refuse(expected)
        return match


def parse_dictionary(text: str, *, members_max: int, items_max: int) -> dict[str, Member]:
    """Read a dictionary, its members in the order of the text.

    Args:
        text: a field's value; several header lines joined by a comma.
        members_max: how many members there may be at most.
        items_max: how many items one inner list may hold at most.

    Raises:
        TooManyMembers: one of the bounds is exceeded.
        StructuredFieldError: the text is anything else than a dictionary of items and inner lists.
    """
    scanner = _Scanner(text.strip(" "))
    members: dict[str, Member] = {}
    while True:
        key = scanner.take(_KEY, "a key")[0]
        if key in members:
            raise StructuredFieldError(f"the key {key} is repeated")
        members[key] = _member(scanner, items_max)
        if len(members) > members_max:
            raise TooManyMembers(members_max)
        scanner.pass_over(_OPTIONAL_WHITESPACE)
        if scanner.ended():
            return members
        if not scanner.skip(","):
            scanner.refuse("a comma")
        scanner.pass_over(_OPTIONAL_WHITESPACE)


def _member(scanner: _Scanner, items_max: int) -> Member:
    if not scanner.skip("="):
        scanner.refuse("=")
    start = scanner.at
    value = _inner_list(scanner, items_max) if scanner.follows("(") else _item(scanner)
    return Member(value, scanner.text[start : scanner.at])


def _inner_list(scanner: _Scanner, items_max: int) -> InnerList:
    scanner.skip("(")
    items: list[Item] = []
    while True:
        while (plain := scanner.match(_PLAIN_ITEM)) is not None:
            items.append(Item(plain[1], _NO_PARAMETERS))
        scanner.pass_over(_SPACES)
        if scanner.skip(")"):
            break
        items.append(_item(scanner))
        if not (scanner.follows(" ") or scanner.follows(")")):
            scanner.refuse("a space or )")
    if len(items) > items_max:
        raise TooManyMembers(items_max)
    return InnerList(tuple(items), _parameters(scanner))


def _item(scanner: _Scanner) -> Item:
    return Item(_bare_item(scanner), _parameters(scanner))


def _parameters(scanner: _Scanner) -> Parameters:
    if not scanner.follows(";"):
        return _NO_PARAMETERS
    parameters: dict[str, BareItem] = {}
    while scanner.skip(";"):
        scanner.pass_over(_SPACES)
        key = scanner.take(_KEY, "a parameter's name")[0]
        if key in parameters:
            raise StructuredFieldError(f"the parameter {key} is repeated")
        parameters[key] = _bare_item(scanner) if scanner.skip("=") else True
    return parameters


def _bare_item(scanner: _Scanner) -> BareItem:
    if scanner.ended():
        scanner.refuse("a value")
    read = _READERS.get(scanner.text[scanner.at], _token)
    return read(scanner)


def _string(scanner: _Scanner) -> str:
    text = scanner.take(_STRING, "a string in double quotes")[1]
    return re.sub(r"\\(.)", r"\1", text) if "\\" in text else text


def _integer(scanner: _Scanner) -> int:
    return int(scanner.take(_INTEGER, "a whole number of at most 15 digits")[0])


def _bytes(scanner: _Scanner) -> bytes:
    text = scanner.take(_BYTES, "base64 between colons")[1]
    try:
        return b64decode(text, validate=True)
    except Base64Error:
        raise StructuredFieldError("the base64 between the colons is incomplete") from None


def _boolean(scanner: _Scanner) -> bool:
    return scanner.take(_BOOLEAN, "?0 or ?1")[1] == "1"


def _token(scanner: _Scanner) -> Token:
    return Token(scanner.take(_TOKEN, "a value")[0])


_READERS: Final[Mapping[str, Callable[[_Scanner], BareItem]]] = {
    '"': _string,
    ":": _bytes,
    "?": _boolean,
    **dict.fromkeys("-0123456789", _integer),
}


def serialise_inner_list(inner_list: InnerList) -> str:
    """Write an inner list in the one canonical way (RFC 9651, section 4.1.1.1)."""
    items = " ".join(
        serialise_bare_item(item.value) + _serialise_parameters(item.parameters) for item in inner_list.items
    )
    return f"({items})" + _serialise_parameters(inner_list.parameters)


def serialise_bare_item(value: BareItem) -> str:
    """Write one value: a string quoted, bytes as base64 between colons, a boolean as ?1 or ?0."""
    match value:
        case bool():
            return "?1" if value else "?0"
        case int():
            return str(value)
        case bytes():
            return f":{b64encode(value).decode()}:"
        case Token():
            return value
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'


def _serialise_parameters(parameters: Parameters) -> str:
    if not parameters:
        return ""
    return "".join(
        f";{key}" if value is True else f";{key}={serialise_bare_item(value)}" for key, value in parameters.items()
    )
