"""What request bodies have in common: unknown fields are refused, and the types of the fields that many share.

Ids are UUIDs in any case, with or without hyphens; decoding makes them canonical text, so that nothing behind the edge
ever compares two spellings of one id.
"""

from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from orderlane.domain.bounds import AMOUNT_MAX
from orderlane.domain.ids import (
    AccountGroupId,
    AccountId,
    AllocationId,
    ExecutionId,
    OrderId,
    ParentOrderId,
    SubscriptionId,
    UserId,
    parse_id,
)

NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*\Z"

UUID_TEXT: Final = Meta(
    pattern=r"^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\Z",
    description="A UUID.",
    examples=["54b8d84f-5bd0-4e43-bf0f-164388cb4c23"],
    extra_json_schema={"format": "uuid"},
)
"""Marks a field, parameter or part of the path that holds an id."""

UserIdText = Annotated[UserId, UUID_TEXT]
AccountGroupIdText = Annotated[AccountGroupId, UUID_TEXT]
AccountIdText = Annotated[AccountId, UUID_TEXT]
AllocationIdText = Annotated[AllocationId, UUID_TEXT]
ParentOrderIdText = Annotated[ParentOrderId, UUID_TEXT]
OrderIdText = Annotated[OrderId, UUID_TEXT]
ExecutionIdText = Annotated[ExecutionId, UUID_TEXT]
SubscriptionIdText = Annotated[SubscriptionId, UUID_TEXT]

CountryCode = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}\Z", description="The ISO 3166-1 alpha-2 code of a country.", examples=["DE"])
]
CurrencyCode = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}\Z", description="The ISO 4217 code of a currency.", examples=["EUR"])
]
Isin = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]\Z",
        description="An ISIN (International Securities Identification Number).",
        examples=["IE00B4L5Y983"],
    ),
]
DecimalText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,18}(\.[0-9]{1,10})?\Z",
        description="A decimal string: plain digits, at most 18 before and 10 after the point.",
        examples=["1000.00"],
    ),
]
AmountText = Annotated[
    DecimalText,
    Meta(
        description=f"An amount of money as a string: plain digits, above 0, at most {AMOUNT_MAX:f}, with at most the "
        "decimals of its currency.",
    ),
]
Text = Annotated[
    str,
    Meta(
        pattern=NO_CONTROL_CHARACTERS,
        max_length=100,
        description="Text without control characters, at most 100 characters.",
    ),
]


class Received(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends: unknown fields are refused, ids become canonical text."""

    def __post_init__(self) -> None:
        for name in _id_fields(type(self)):
            force_setattr(self, name, _canonical(getattr(self, name)))


class RequestBody(Received, frozen=True, kw_only=True):
    """A request body, or an object inside one."""


def is_id(expected: Any) -> bool:
    """Whether a type is that of an id, or of an optional one."""
    if get_origin(expected) is Annotated:
        return UUID_TEXT in get_args(expected)[1:]
    return any(is_id(option) for option in get_args(expected))


def _canonical(value: Any) -> Any:
    """An id, or a list of ids, as canonical text; None and UNSET stay."""
    match value:
        case str():
            return parse_id(value)
        case list():
            return [_canonical(entry) for entry in value]
        case _:
            return value


@cache
def _id_fields(received: type[Struct]) -> tuple[str, ...]:
    hints = get_type_hints(received, include_extras=True)
    return tuple(name for name in received.__struct_fields__ if is_id(hints[name]))
