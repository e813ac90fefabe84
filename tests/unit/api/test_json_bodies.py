"""JSON bodies in their canonical form: equal for equal JSON, and never with a member that stands twice."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.api.errors import InvalidBody, MalformedJson
from orderlane.api.json_bodies import canonical_json

ORDER = b'{"cash_amount":"100.00","currency":"EUR","user":{"a":[1,2.50,null],"b":"\xc3\xa9\\"\\\\/"}}'

SAME = {
    "order": b'{"user":{"b":"\xc3\xa9\\"\\\\/","a":[1,2.50,null]},"currency":"EUR","cash_amount":"100.00"}',
    "space": b'\r\n{ "cash_amount" : "100.00",\t"currency":"EUR", '
    b'"user":{"a":[1, 2.50, null],"b":"\xc3\xa9\\"\\\\/"}}  ',
    "escapes": b'{"cash\\u005famount":"\\u0031\\u00300.00","currency":"EUR","user":{"a":[1,2.50,null],'
    b'"b":"\\u00E9\\u0022\\u005c\\/"}}',
}
OTHER = {
    "digits": ORDER.replace(b'"100.00"', b'"100"'),
    "a text for a number": ORDER.replace(b"2.50", b'"2.50"'),
    "a number written otherwise": ORDER.replace(b"2.50", b"2.5"),
    "order of a list": ORDER.replace(b"1,2.50", b"2.50,1"),
    "null for nothing": ORDER.replace(b'"currency"', b'"x":null,"currency"'),
    "composition": ORDER.replace(b"\xc3\xa9", b"e\xcc\x81"),
    "case": ORDER.replace(b"EUR", b"eur"),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_json_has_one_form(kind: str) -> None:
    assert canonical_json(SAME[kind]) == canonical_json(ORDER)


@pytest.mark.parametrize("kind", OTHER)
def test_other_json_has_another_form(kind: str) -> None:
    assert canonical_json(OTHER[kind]) != canonical_json(ORDER)


def test_the_canonical_form_is_sorted_json_without_space_and_is_its_own_form() -> None:
    canonical = canonical_json(SAME["escapes"])

    assert canonical == ORDER
    assert canonical_json(canonical) == canonical
    assert json.loads(canonical) == json.loads(SAME["escapes"])


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (b'{"cash_amount":"1","cash_amount":"2"}', ["cash_amount"]),
        (b'{"cash_amount":"1","cash_amount":"1"}', ["cash_amount"]),
        (b'{"cash_amount":"1","cash\\u005famount":"2"}', ["cash_amount"]),
        (b'{"cash_amount" :1,"cash_amount": 2}', ["cash_amount"]),
        (b'{"cash_amount" :1,"cash_amount":":"}', ["cash_amount"]),
        (b'{"a":1,"a":"\\"\\\\\\"\\"","\\"":1}', ["a"]),
        (b'{"\\"":1,"\\u0022":2}', ['"']),
        (b'{"":1,"":2}', [""]),
        (b'{"a":{"b":{"c":1,"c":2}}}', ["a.b.c"]),
        (b'{"a":[{"b":1},{"b":1,"b":2}]}', ["a[1].b"]),
        (b'{"a":{"b":1,"b":2},"a":{}}', ["a", "a.b"]),
        (b'[{"a":1,"a":2},{"b":1,"b":2}]', ["[0].a", "[1].b"]),
        (b'{"a":' + b"9" * 200 + b',"a":1e999}', ["a"]),
    ],
)
def test_a_member_that_stands_twice_is_named(text: bytes, fields: list[str]) -> None:
    with pytest.raises(InvalidBody) as refused:
        canonical_json(text)

    assert [(error.field, error.message) for error in refused.value.errors] == [
        (field, "stands twice") for field in fields
    ]
    assert refused.value.detail == f"{fields[0]}: stands twice"


def test_how_often_a_member_stands_is_told_and_how_many_are_told_is_bounded() -> None:
    with pytest.raises(InvalidBody, match="a: stands 3 times"):
        canonical_json(b'{"a":1,"a":2,"a":3}')
    with pytest.raises(InvalidBody) as refused:
        canonical_json(b"[" + b",".join([b'{"a":1,"a":2}'] * 1000) + b"]")

    assert len(refused.value.errors) == 20


TEXTS = st.text(st.sampled_from('ab":\\/ é\u2028\0\n{}[],'), max_size=4)
LEAVES = st.one_of(TEXTS, st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.none())


class Members(list[tuple[str, Any]]):
    """An object as its members."""


TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.lists(st.tuples(TEXTS, inner), max_size=4).map(Members)),
    max_leaves=12,
)


def written(tree: Any, *, ascii_only: bool) -> str:
    match tree:
        case Members():
            members = (
                f"{json.dumps(name, ensure_ascii=ascii_only)} : {written(value, ascii_only=ascii_only)}"
                for name, value in tree
            )
            return "{ " + ", ".join(members) + " }"
        case list():
            return "[ " + " , ".join(written(entry, ascii_only=ascii_only) for entry in tree) + "]"
        case _:
            return json.dumps(tree, ensure_ascii=ascii_only)


def repeats(tree: Any) -> bool:
    match tree:
        case Members():
            names = [name for name, _ in tree]
            return len(set(names)) < len(names) or any(repeats(value) for _, value in tree)
        case list():
            return any(repeats(entry) for entry in tree)
        case _:
            return False


@given(TREES, st.booleans())
def test_exactly_what_holds_a_member_twice_is_refused(tree: Any, ascii_only: bool) -> None:
    text = written(tree, ascii_only=ascii_only).encode()
    if repeats(tree):
        with pytest.raises(InvalidBody, match="stands"):
            canonical_json(text)
    else:
        assert msgspec.json.decode(canonical_json(text)) == msgspec.json.decode(text)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":1}x', "not JSON from byte"),
        (b'{"a":1}{"a":1}', "not JSON from byte"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "nested too deeply"),
        (b"", "ends before its JSON does"),
    ],
    ids=["byte order mark", "trailing character", "two documents", "open arrays", "deep objects", "nothing"],
)
def test_what_is_no_json_is_told_why(text: bytes, detail: str) -> None:
    with pytest.raises(MalformedJson, match=detail):
        canonical_json(text)
