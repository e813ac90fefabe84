"""The structured field reader, against a complete one written by others."""

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.http_signatures.structured_fields import (
    InnerList,
    Item,
    StructuredFieldError,
    Token,
    TooManyMembers,
    parse_dictionary,
    serialise_inner_list,
)


def parse(text: str) -> dict[str, Item | InnerList]:
    return {key: member.value for key, member in parse_dictionary(text, members_max=8, items_max=8).items()}


def test_every_type() -> None:
    parsed = parse(r'a=("x";p "y\"z\\");n=-12;t=to/ken;f=?0;b=:AAE=:, *b="", c=?1;c=tok, d=:: ')

    assert parsed == {
        "a": InnerList(
            (Item("x", {"p": True}), Item('y"z\\', {})),
            {"n": -12, "t": Token("to/ken"), "f": False, "b": b"\x00\x01"},
        ),
        "*b": Item("", {}),
        "c": Item(True, {"c": Token("tok")}),
        "d": Item(b"", {}),
    }


def test_the_text_of_a_member_is_kept_as_it_was_received() -> None:
    members = parse_dictionary('a=( "x"  "y" ); n=1 , b=?1', members_max=8, items_max=8)

    assert members["a"].text == '( "x"  "y" ); n=1'
    assert serialise_inner_list(members["a"].value) == '("x" "y");n=1'  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["", ",", "a", "a=", "a=1,", "a=1 b=2", "A=1", "a=1,,b=2", "a=1;", "a=1;P=1", "a=(1", "a=(1,2)", 'a="x', 'a="\t"',
     'a="\\x"', "a=1.5", "a=1234567890123456", "a=:A:", "a=:A=A=:", "a=:AAAA", "a=?2", "a=@1", 'a=%"x"', "a=ü",
     "a=1, a=2", "a=1;p;p", "a=((1))", "a=(1)(2)", "\ta=1"],
)  # fmt: skip
def test_what_is_not_a_structured_field(text: str) -> None:
    with pytest.raises(StructuredFieldError):
        parse(text)


@pytest.mark.parametrize("text", [", ".join(f"a{n}=1" for n in range(9)), "a=(1 2 3 4 5 6 7 8 9)"])
def test_bounds(text: str) -> None:
    with pytest.raises(TooManyMembers) as refused:
        parse(text)
    assert refused.value.limit == 8


FRAGMENTS = [*'=;, \t()"\\:-*%é@a1', "x y", "12", ".5", "?1", "?0", "AAAA", "AA==", "tok"]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_what_is_read_is_read_alike_by_the_other_reader(text: str) -> None:
    assert_read_alike(text)


def assert_read_alike(text: str) -> None:
    try:
        ours = parse(text)
    except StructuredFieldError:
        return

    theirs = http_sf.parse(text.encode(), tltype="dictionary")

    assert {key: plain(value) for key, value in ours.items()} == theirs


def plain(value: Item | InnerList) -> tuple[object, dict[str, object]]:
    """Our reading in the other reader's shape: a value and its parameters."""
    parameters = {name: http_token(item) for name, item in value.parameters.items()}
    if isinstance(value, InnerList):
        return [plain(item) for item in value.items], parameters
    return http_token(value.value), parameters


def http_token(value: object) -> object:
    return http_sf.Token(str(value)) if isinstance(value, Token) else value


BARE = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)),
    st.binary(max_size=20),
    st.booleans(),
    st.from_regex(r"[A-Za-z*][A-Za-z0-9:/%]{0,8}", fullmatch=True).map(Token),
)
PARAMETERS = st.dictionaries(st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True), BARE, max_size=4)


@given(st.lists(st.builds(Item, BARE, PARAMETERS), max_size=6), PARAMETERS)
def test_what_is_written_is_read_back(items: list[Item], parameters: dict[str, object]) -> None:
    written = InnerList(tuple(items), parameters)  # type: ignore[arg-type]

    assert parse(f"a={serialise_inner_list(written)}") == {"a": written}


@given(
    st.lists(st.builds(Item, BARE, PARAMETERS), max_size=3),
    PARAMETERS,
    st.integers(0, 60),
    st.sampled_from(FRAGMENTS),
)
def test_a_damaged_text_is_read_alike_too(
    items: list[Item], parameters: dict[str, object], at: int, fragment: str
) -> None:
    text = f"a={serialise_inner_list(InnerList(tuple(items), parameters))}"  # type: ignore[arg-type]

    assert_read_alike(text)
    assert_read_alike(text[:at] + fragment + text[at:])
    assert_read_alike(text[:at] + fragment + text[at + 1 :])
