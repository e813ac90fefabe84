"""What request bodies have in common: unknown fields are refused, and the types of the fields that many share."""

from typing import Annotated

from msgspec import Meta, Struct

NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*\Z"

CountryCode = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1 alpha-2 code of a country.", examples=["DE"])
]
CurrencyCode = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217 code of a currency.", examples=["EUR"])
]
Isin = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]\Z",
        description="International Securities Identification Number.",
        examples=["IE00B4L5Y983"],
    ),
]
DecimalText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,18}(\.[0-9]{1,10})?\Z",
        description="A decimal number as a string: plain digits, at most 18 before and 10 after the point.",
        examples=["1000.00"],
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
DateText = Annotated[
    str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", description="A date: YYYY-MM-DD.", examples=["1985-07-21"])
]


class RequestBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body, or an object inside one."""
