"""From the bytes of a request to typed values; anything that does not fit is told with the names at fault."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import fields

from orderlane.api.answers import JSON
from orderlane.api.errors import (
    ApiError,
    FieldError,
    InvalidBody,
    InvalidParameter,
    MalformedJson,
    UnsupportedMediaType,
)
from orderlane.api.expectations import bare, expectation
from orderlane.api.field_errors import field_errors, in_words, zero_character_errors
from orderlane.domain.ids import parse_id
from orderlane.resources.requests import is_id

FORM: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 100
TOO_LARGE_NUMBER: Final = "a number is larger than any that can be read"
_ZERO_CHARACTER: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def body_decoder(body: type, media_type: str) -> Callable[[bytes, str | None], Any]:
    """A function from a body and its content type to a value of type `body`."""
    return _json_decoder(body) if media_type == JSON else _form_decoder(body)


def query_decoder(query: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    """A function from the query as sent to a value of type `query`."""
    lists = _list_names(query)

    def decode(text: bytes) -> Any:
        return _convert(_parameters(text, lists, InvalidParameter), query, InvalidParameter)

    return decode


def path_decoder(parameters: Mapping[str, Any]) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    """A function from the parts of the path to the values of its parameters; ids become canonical text."""

    def decode(values: Mapping[str, str]) -> dict[str, Any]:
        return {name: _path_value(name, values[name], expected) for name, expected in parameters.items()}

    return decode


def _path_value(name: str, text: str, expected: Any) -> Any:
    try:
        value = msgspec.convert(text, expected, strict=False)
        return parse_id(value) if is_id(expected) else value
    except msgspec.ValidationError:
        message = expectation(expected, text, is_text=True)
        raise InvalidParameter(f"{name}: {message}", [FieldError(name, message)]) from None


def _json_decoder(body: type) -> Callable[[bytes, str | None], Any]:
    decode_json: Callable[[bytes], Any] = msgspec.json.Decoder(body).decode

    def decode(text: bytes, content_type: str | None) -> Any:
        check_media_type(content_type, JSON)
        try:
            value = read_json(text, decode_json)
        except msgspec.ValidationError:
            raise _invalid(_read_whole(text), body, InvalidBody) from None
        if _ZERO_CHARACTER.search(text):
            raise InvalidBody("a text holds the character U+0000", zero_character_errors(msgspec.json.decode(text)))
        return value

    return decode


def read_json(text: bytes, read: Callable[[bytes], Any]) -> Any:
    """What `read` makes of the text.

    Raises:
        MalformedJson: it is no JSON.
        msgspec.ValidationError: it is JSON of another shape.
    """
    try:
        return read(text)
    except msgspec.ValidationError:
        raise
    except UnicodeDecodeError:
        raise MalformedJson("the body is not text in UTF-8") from None
    except RecursionError:
        raise MalformedJson("the body is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise MalformedJson(_in_words(error)) from None


def _in_words(error: msgspec.DecodeError) -> str:
    """Where a text stops to be JSON; the decoder names the byte, but for a text that ends too early."""
    _, place, position = str(error).rpartition("(byte ")
    if not place:
        return "the body ends before its JSON does"
    return f"the body is not JSON from byte {position.rstrip(')')} on"


def _read_whole(text: bytes) -> Any:
    """The value, whatever its shape.

    Raises:
        MalformedJson: it is no JSON.
        InvalidBody: a number in it is too large to be read.
    """
    try:
        return read_json(text, msgspec.json.decode)
    except msgspec.ValidationError:
        raise InvalidBody(TOO_LARGE_NUMBER) from None


def _form_decoder(body: type) -> Callable[[bytes, str | None], Any]:
    """Forms are what OAuth clients send: parameters that are not known are ignored (RFC 6749, section 3.2)."""
    known = {field.encode_name for field in fields(body)}

    def decode(text: bytes, content_type: str | None) -> Any:
        check_media_type(content_type, FORM)
        values = _parameters(text, frozenset(), InvalidBody)
        return _convert({name: value for name, value in values.items() if name in known}, body, InvalidBody)

    return decode


def check_media_type(content_type: str | None, expected: str) -> None:
    """See whether a body is of the media type that is expected.

    Raises:
        UnsupportedMediaType: it is not.
    """
    if content_type != expected and (content_type or "").partition(";")[0].strip().lower() != expected:
        raise UnsupportedMediaType(f"content-type is {content_type or 'missing'}, but must be {expected}")


def _parameters(text: bytes, lists: frozenset[str], refusal: type[ApiError]) -> dict[str, Any]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise refusal(f"cannot be read: {error}") from None
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in lists:
            values.setdefault(name, []).extend(value.split(","))
        elif name in values:
            raise refusal(f"{name} is given twice", [FieldError(name, "is given twice")])
        else:
            values[name] = value
    return values


def _convert(values: dict[str, Any], expected: type, refusal: type[ApiError]) -> Any:
    try:
        return msgspec.convert(values, expected, strict=False)
    except msgspec.ValidationError:
        raise _invalid(values, expected, refusal, is_text=True) from None


def _invalid(value: Any, expected: type, refusal: type[ApiError], *, is_text: bool = False) -> ApiError:
    errors = field_errors(value, expected, is_text=is_text)
    return refusal(in_words(errors, "parameter" if refusal is InvalidParameter else "field"), errors)


def _list_names(query: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in fields(query) if get_origin(bare(field.type)) is list)
