"""The limit of a request body: every legal body fits, written with room to read and with the longest escapes."""

import importlib
from typing import Any, Final

import msgspec.inspect as kinds
import pytest

from orderlane.api.operations import Operation
from orderlane.api.options import ApiOptions
from orderlane.api.routes import OPERATIONS

WITH_A_BODY = [one for one in OPERATIONS if one.body is not None]
ESCAPED_BYTES: Final = 12
r"""A character outside the Basic Multilingual Plane, as \ud835\udd38 in JSON or as %F0%9D%94%B8 in a form."""
INDENT, SEPARATORS = 4, len('"": ,\n')
IGNORED_BYTES: Final = 4096
"""What a client may send back of what only the service sets: ids, times, the secret, warnings; all of it together."""
OTHER_BYTES: Final[dict[type[kinds.Type], int]] = {
    kinds.BoolType: 5,
    kinds.IntType: 20,
    kinds.DateType: 12,
    kinds.DateTimeType: 40,
    kinds.UUIDType: 38,
    kinds.NoneType: 4,
}
GRANT_TYPE_BYTES: Final = len("client_credentials")


def text_bytes(kind: kinds.StrType) -> int:
    """The most bytes that a text needs: those with a pattern and no length of their own are ASCII."""
    if kind.max_length is not None:
        return ESCAPED_BYTES * kind.max_length + 2
    if kind.pattern is None:
        return GRANT_TYPE_BYTES + 2
    parsed: Any = importlib.import_module("re._parser").parse(kind.pattern)
    width: int = parsed.getwidth()[1]
    assert width < 100, f"{kind.pattern} takes texts without end"
    return width + 2


def largest(kind: kinds.Type, depth: int = 0) -> int:
    """The most bytes that a value needs as indented JSON."""
    match kind:
        case kinds.StrType():
            return text_bytes(kind)
        case kinds.LiteralType(values=values):
            return max(len(str(value)) for value in values) + 2
        case kinds.EnumType(cls=cls):
            return max(len(one.value) for one in cls) + 2
        case kinds.ListType(item_type=item, max_length=int(length)):
            return length * (largest(item, depth + 1) + line(depth + 1)) + line(depth)
        case kinds.StructType(fields=fields):
            members = [len(one.encode_name) + largest(one.type, depth + 1) + line(depth + 1) for one in fields]
            return sum(members) + line(depth)
        case kinds.UnionType(types=types):
            return max(largest(one, depth) for one in types)
        case kinds.Metadata(type=inner):
            return largest(inner, depth)
        case kinds.AnyType():
            return IGNORED_BYTES // 6
        case _:
            return OTHER_BYTES[type(kind)]


def line(depth: int) -> int:
    return INDENT * depth + SEPARATORS


@pytest.mark.parametrize("operation", WITH_A_BODY, ids=lambda one: one.id)
def test_the_largest_legal_body_fits(operation: Operation) -> None:
    assert largest(kinds.type_info(operation.body)) <= ApiOptions().body_bytes_max


def test_the_largest_of_all_is_an_allocation_or_a_token_request() -> None:
    sizes = {one.id: largest(kinds.type_info(one.body)) for one in WITH_A_BODY}

    assert 30_000 < sizes["create_allocation"] == sizes["replace_allocation"]
    assert max(sizes.values()) in {sizes["create_allocation"], sizes["create_token"]}
