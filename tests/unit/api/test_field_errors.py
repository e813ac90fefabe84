"""Every field at fault, by its path."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import fields

from orderlane.api.decoding import body_decoder, path_decoder, query_decoder
from orderlane.api.errors import InvalidBody, InvalidParameter, MalformedJson, UnsupportedMediaType
from orderlane.api.field_errors import ERRORS_MAX, field_errors
from orderlane.api.lists import ListQuery, Query
from orderlane.api.routes import OPERATIONS
from orderlane.resources.requests import AccountIdText, CurrencyCode, DecimalText, Isin, RequestBody, Text

DIGITS = ": plain digits, at most 18 before and 10 after the point"


class Topic(StrEnum):
    ORDER = "ORDER"
    EXECUTION = "EXECUTION"


class Subscribed(RequestBody, frozen=True):
    topics: list[Topic]
    others: list[Literal["ALL"] | Literal["USER", "REPORT"]]


class Weight(RequestBody, frozen=True):
    isin: Isin
    weight: str


class Body(RequestBody, frozen=True):
    name: Annotated[str, Meta(max_length=5)]
    weights: Annotated[list[Weight], Meta(min_length=1)]
    side: Literal["BUY", "SELL"] = "BUY"
    first: Weight | UnsetType = UNSET
    note: str | None = None


GOOD_WEIGHT = {"isin": "IE00B4L5Y983", "weight": "1"}
GOOD = {"name": "x", "weights": [GOOD_WEIGHT]}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, []),
        ({"name": None}, ["name"]),
        ({"name": "toolong"}, ["name"]),
        ({"weights": []}, ["weights"]),
        ({"weights": "x"}, ["weights"]),
        ({"weights": [GOOD_WEIGHT, {"isin": "x", "weight": 1}]}, ["weights[1].isin", "weights[1].weight"]),
        ({"weights": [GOOD_WEIGHT | {"more": 1}]}, ["weights[0].more"]),
        ({"side": "HOLD"}, ["side"]),
        ({"first": {"isin": "IE00B4L5Y983"}}, ["first.weight"]),
        ({"first": None}, ["first"]),
        ({"note": 1}, ["note"]),
        ({"surplus": 1, "name": 1}, ["surplus", "name"]),
    ],
)
def test_each_field_at_fault_is_named(change: dict[str, object], paths: list[str]) -> None:
    assert [one.field for one in field_errors(GOOD | change, Body)] == paths


def test_what_would_be_right_is_said() -> None:
    def message(change: dict[str, object]) -> str:
        [error] = field_errors(GOOD | change, Body)
        return error.message

    assert message({"side": "HOLD"}) == "must be one of BUY, SELL"
    wrong = field_errors({"topics": ["NOPE"], "others": ["NOPE"]}, Subscribed)
    assert [one.message for one in wrong] == ["must be one of ORDER, EXECUTION", "must be one of ALL, USER, REPORT"]
    isin = 'must be an ISIN (International Securities Identification Number) such as "IE00B4L5Y983"'
    assert message({"weights": [GOOD_WEIGHT | {"isin": "x"}]}) == isin
    with pytest.raises(InvalidParameter) as refusal:
        path_decoder({"isin": Isin})({"isin": "x"})
    assert [one.message for one in refusal.value.errors] == [isin]


@pytest.mark.parametrize(
    ("expected", "value", "message"),
    [
        (DecimalText, 1000, f'must be a decimal string such as "1000.00"{DIGITS}'),
        (DecimalText, "1,000", f'must be a decimal string such as "1000.00"{DIGITS}'),
        (DecimalText | None, 1000, f'must be a decimal string such as "1000.00"{DIGITS} or null'),
        (Annotated[DecimalText, Meta(examples=["0.2"])], "x", f'must be a decimal string such as "0.2"{DIGITS}'),
        (CurrencyCode, "eur", 'must be the ISO 4217 code of a currency such as "EUR"'),
        (AccountIdText, "x", 'must be a UUID such as "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"'),
        (UUID, "x", 'must be a UUID such as "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"'),
        (Text, "a\0", "must be text of at most 100 characters without control characters"),
        (Annotated[str, Meta(min_length=1, max_length=5)], 1, "must be text of 1 to 5 characters"),
        (Annotated[int, Meta(ge=1, le=1000)], 1001, "must be a whole number from 1 to 1000"),
        (Annotated[int, Meta(ge=1)], "x", "must be a whole number, at least 1"),
        (int, "x", "must be a whole number"),
        (bool, "no", "must be true or false"),
        (Annotated[list[str], Meta(min_length=1, max_length=9)], [], "must be a list of 1 to 9 entries"),
        (Body, [], "must be an object"),
        (date, "1985-02-30", 'must be a date such as "1985-12-10"'),
        (Annotated[datetime, Meta(tz=True)], "x", 'must be a moment with its offset such as "2026-03-02T09:00:00Z"'),
        (Topic, "order", "must be ORDER, in capital letters"),
        (Topic | None, 1, "must be one of ORDER, EXECUTION"),
        (Literal["UPVEST"], 1, "must be UPVEST"),
    ],
)
def test_what_is_right_is_said_in_the_words_of_the_api(expected: Any, value: object, message: str) -> None:
    assert [error.message for error in field_errors(value, expected)] == [message]


def declared_fields() -> dict[str, Any]:
    """Every field of every request body and every parameter, by its name."""
    structs = {struct for operation in OPERATIONS for struct in (operation.body, operation.query) if struct}
    return {f"{struct.__name__}.{each.encode_name}": each.type for struct in structs for each in fields(struct)}


@pytest.mark.parametrize("name", sorted(declared_fields()))
def test_no_message_has_the_decoders_words(name: str) -> None:
    expected = declared_fields()[name]
    for value in (None, True, 7, -1, 2**40, 1.5, "", "x", "x" * 5000, "\0", [], ["x"], [None], {}, {"x": 1}):
        for is_text in (False, True):
            for error in field_errors(value, expected, is_text=is_text):
                assert re.match("must be |is missing|unknown field", error.message), error
                assert not re.search("`|matches|of another type|Expected|Invalid", error.message), error


def test_all_that_is_wrong_is_told_at_once() -> None:
    decode = body_decoder(Body, "application/json")
    with pytest.raises(InvalidBody) as several:
        decode(b'{"name": 1, "weights": [{"isin": "x"}], "side": "HOLD"}', "application/json")
    with pytest.raises(InvalidBody) as single:
        decode(b'{"name": "x", "weights": [], "side": "BUY"}', "application/json")
    with pytest.raises(InvalidParameter) as parameters:
        query_decoder(Filters)(b"limit=1001&offset=-1")
    with pytest.raises(InvalidBody) as many:
        decode(msgspec.json.encode({"name": "x", "weights": [1] * 1000}), "application/json")

    assert several.value.detail == "4 fields are wrong: name, weights[0].isin, weights[0].weight, side"
    assert single.value.detail == "weights: must be a list of at least 1 entries"
    assert parameters.value.detail == "2 parameters are wrong: offset, limit"
    assert many.value.detail.startswith("20 fields or more are wrong: weights[0], ")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"name": "\xff"}', "the body is not text in UTF-8"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b'{"name": 1e400}', "a number is larger than any that can be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(body: bytes, detail: str) -> None:
    with pytest.raises((MalformedJson, InvalidBody)) as refusal:
        body_decoder(Body, "application/json")(body, "application/json")
    assert refusal.value.detail == detail


def test_what_is_missing_is_named() -> None:
    assert [(one.field, one.message) for one in field_errors({}, Body)] == [
        ("name", "is missing"),
        ("weights", "is missing"),
    ]


def test_what_is_unknown_is_told_what_is_known() -> None:
    [error] = field_errors(GOOD | {"nmae": "x"}, Body)

    assert error.message == "unknown field; known are name, weights, side, first, note"


def test_a_body_of_nothing_but_mistakes_is_bounded() -> None:
    assert len(field_errors({"name": "x", "weights": [1] * 1000}, Body)) == ERRORS_MAX


def json_values() -> st.SearchStrategy[object]:
    names = st.sampled_from(["name", "weights", "side", "isin", "x"])
    leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=10)


@given(json_values())
def test_whatever_the_decoder_refuses_is_explained(value: object) -> None:
    decode = body_decoder(Body, "application/json")

    with pytest.raises(InvalidBody) as refusal:
        decode(msgspec.json.encode({"surplus": value}), "application/json")

    assert refusal.value.errors
    assert refusal.value.detail


@given(st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(content: bytes) -> None:
    decode = body_decoder(Body, "application/json")
    try:
        decode(content, "application/json")
    except (InvalidBody, MalformedJson):
        return
    raise AssertionError("forty bytes can't be right")


class Filters(ListQuery, frozen=True, kw_only=True):
    status: list[Literal["NEW", "FILLED"]] = msgspec.field(default_factory=list)
    is_open: bool = False


class Needed(Query, frozen=True, kw_only=True):
    count: int


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"", []),
        (b"status=NEW", ["NEW"]),
        (b"status=NEW,FILLED", ["NEW", "FILLED"]),
        (b"status=NEW&status=FILLED", ["NEW", "FILLED"]),
    ],
)
def test_a_list_of_values_is_separated_or_repeated(query: bytes, status: list[str]) -> None:
    assert query_decoder(Filters)(query).status == status


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (b"status=NEW,OLD", "status[1]"),
        (b"limit=1.5", "limit"),
        (b"limit=0x10", "limit"),
        (b"is_open=maybe", "is_open"),
        (b"offset=1&offset=1", "offset"),
        (b"x=1", "x"),
    ],
)
def test_a_wrong_parameter_is_named(query: bytes, path: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        query_decoder(Filters)(query)

    assert [one.field for one in refusal.value.errors] == [path]


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        query_decoder(Needed)(b"")

    assert [one.field for one in refusal.value.errors] == ["count"]


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(InvalidParameter):
        query_decoder(Filters)(b"&".join(b"x%d=1" % number for number in range(1000)))


@given(st.binary(max_size=30))
def test_any_query_is_decoded_or_refused(query: bytes) -> None:
    try:
        query_decoder(Filters)(query)
    except InvalidParameter:
        return


def test_a_parameter_of_the_path_is_read_by_its_type() -> None:
    decode = path_decoder({"isin": Isin})

    assert decode({"isin": "IE00B4L5Y983"}) == {"isin": "IE00B4L5Y983"}
    with pytest.raises(InvalidParameter) as refusal:
        decode({"isin": "IE00B4L5Y98"})
    assert [one.field for one in refusal.value.errors] == ["isin"]


@pytest.mark.parametrize("media_type", [None, "", "text/json", "application/json-patch", "multipart/form-data"])
def test_another_media_type_is_refused(media_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        body_decoder(Body, "application/json")(b"{}", media_type)
