"""Every field at fault, by its path."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, UnsetType

from orderlane.api.decoding import body_decoder, path_decoder, query_decoder
from orderlane.api.errors import InvalidBody, InvalidParameter, MalformedJson, UnsupportedMediaType
from orderlane.api.field_errors import ERRORS_MAX, field_errors
from orderlane.api.lists import ListQuery, Query
from orderlane.resources.requests import Isin, RequestBody


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
    isin = "must have this form: International Securities Identification Number, for example IE00B4L5Y983"
    assert message({"weights": [GOOD_WEIGHT | {"isin": "x"}]}) == isin
    with pytest.raises(InvalidParameter) as refusal:
        path_decoder({"isin": Isin})({"isin": "x"})
    assert [one.message for one in refusal.value.errors] == [isin]


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
