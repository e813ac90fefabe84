"""The one canonical form of a JSON body, in which no member stands twice.

Requests are compared in this form (see ADR 38), and decoded from it: what is compared is what is executed. Members are
sorted by name, texts are UTF-8 without needless escapes, nothing is between the tokens, and numbers with a fraction or
an exponent stay as written.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from orderlane.api.answers import JSON
from orderlane.api.decoding import TOO_LARGE_NUMBER, check_media_type, read_json
from orderlane.api.errors import FieldError, InvalidBody, MalformedJson
from orderlane.api.field_errors import ERRORS_MAX, join

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def canonical_reader(media_type: str) -> Callable[[bytes, str | None], bytes]:
    """A function from a body and its content type to the form in which it is compared and decoded."""
    return _canonical_json if media_type == JSON else _as_sent


def canonical_json(text: bytes) -> bytes:
    """The canonical form of a JSON text.

    Raises:
        MalformedJson: it is not JSON.
        InvalidBody: a member stands twice, or a number is too large to be read.
    """
    if text.startswith(BYTE_ORDER_MARK):
        raise MalformedJson("the body begins with a byte order mark, which JSON in UTF-8 does not have: leave it out")
    try:
        canonical: bytes = read_json(text, _rewritten)
    except msgspec.ValidationError:
        raise InvalidBody(TOO_LARGE_NUMBER) from None
    if _quotes(text) != _quotes(canonical):
        errors = read_json(text, _repeated_members)
        raise InvalidBody(f"{errors[0].field}: {errors[0].message}", errors)
    return canonical


def _canonical_json(text: bytes, content_type: str | None) -> bytes:
    check_media_type(content_type, JSON)
    return canonical_json(text)


def _as_sent(text: bytes, content_type: str | None) -> bytes:
    return text


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


_decode: Final[Callable[[bytes], Any]] = msgspec.json.Decoder(float_hook=_as_written).decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def _rewritten(text: bytes) -> bytes:
    return _encode(_decode(text))


def _quotes(text: bytes) -> int:
    """How many quotes of a JSON text begin or end a name or a text: fewer than before means that a member is lost."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')


class _Members(list[tuple[str, Any]]):
    """An object as its members, in the order and number in which they stand."""


def _repeated_members(text: bytes) -> list[FieldError]:
    tree = json.loads(text, object_pairs_hook=_Members, parse_int=str, parse_float=str)
    return list(islice(_repeated(tree, ""), ERRORS_MAX))


def _repeated(value: Any, path: str) -> Iterator[FieldError]:
    if isinstance(value, _Members):
        for name, count in Counter(name for name, _ in value).items():
            if count > 1:
                yield FieldError(join(path, name), "stands twice" if count == 2 else f"stands {count} times")
        for name, inner in value:
            yield from _repeated(inner, join(path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _repeated(entry, f"{path}[{index}]")
