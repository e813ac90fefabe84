"""Users as JSON: who invests. What a client tells at onboarding is kept and given back as it came."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from msgspec.json import Decoder, Encoder

from orderlane.domain.onboarding import User
from orderlane.domain.users import UserStatus
from orderlane.resources.fields import TimeText
from orderlane.resources.formats import Uuid, write_time
from orderlane.resources.requests import NO_CONTROL_CHARACTERS, CountryCode, RequestBody

_Salutation = Literal["", "SALUTATION_MALE", "SALUTATION_FEMALE", "SALUTATION_FEMALE_MARRIED", "SALUTATION_DIVERSE"]
_Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_CONTROL_CHARACTERS)]
_City = Annotated[_Line, Meta(examples=["Berlin"])]
_Email = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z",
        max_length=255,
        description="An email address: at most 255 characters.",
        examples=["ada@example.com"],
    ),
]
_Phone = Annotated[
    str,
    Meta(
        pattern=r"^\+?[0-9 ()/\-]{3,30}\Z",
        description="A telephone number: 3 to 30 digits, spaces, brackets, slashes and hyphens.",
        examples=["+49301234567"],
    ),
]
_Postcode = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z0-9 \-]{1,10}\Z",
        description="A postal code: 1 to 10 letters, digits, spaces and hyphens.",
        examples=["10115"],
    ),
]


class Address(RequestBody, frozen=True):
    """A postal address."""

    address_line1: Annotated[_Line, Meta(examples=["Unter den Linden 1"])]
    postcode: _Postcode
    city: _City
    country: CountryCode
    address_line2: Annotated[_Line, Meta(examples=["3rd floor"])] | UnsetType = UNSET
    state: _City | UnsetType = UNSET


class Consent(RequestBody, frozen=True):
    """The user's consent to a document, and when it was given."""

    consent_document_id: UUID
    confirmed_at: Annotated[datetime.datetime, Meta(tz=True)]


class FatcaStatement(RequestBody, frozen=True):
    """Whether the user is a person of the United States, as the user said."""

    status: bool
    confirmed_at: Annotated[datetime.datetime, Meta(tz=True)]


class UserRequest(RequestBody, frozen=True):
    """What onboarding tells of a user."""

    first_name: Annotated[_Line, Meta(examples=["Ada"])]
    last_name: Annotated[_Line, Meta(examples=["Lovelace"])]
    birth_date: Annotated[datetime.date, Meta(examples=["1985-12-10"])]
    nationalities: Annotated[list[CountryCode], Meta(min_length=1, max_length=10)]
    address: Address
    salutation: _Salutation | UnsetType = UNSET
    title: Annotated[str, Meta(max_length=50, pattern=NO_CONTROL_CHARACTERS, examples=["Dr."])] | UnsetType = UNSET
    birth_city: Annotated[_Line, Meta(examples=["London"])] | UnsetType = UNSET
    birth_country: CountryCode | UnsetType = UNSET
    birth_name: Annotated[_Line, Meta(examples=["Byron"])] | UnsetType = UNSET
    postal_address: Address | UnsetType = UNSET
    email: _Email | UnsetType = UNSET
    phone_number: _Phone | UnsetType = UNSET
    terms_and_conditions: Consent | UnsetType = UNSET
    data_privacy_and_sharing_agreement: Consent | UnsetType = UNSET
    fatca: FatcaStatement | UnsetType = UNSET


class UserResource(UserRequest, frozen=True, kw_only=True):
    """A user."""

    id: Uuid
    created_at: TimeText
    updated_at: TimeText
    status: UserStatus


class UserReference(Struct, frozen=True):
    """A user as an account or an account group names its holder."""

    id: Uuid
    type: Literal["OWNER"] = "OWNER"


class Accepted(Struct, frozen=True):
    """The resource that will be changed."""

    id: Uuid


_encode = Encoder().encode
_decode_details = Decoder(UserRequest).decode


def user_details(body: UserRequest) -> str:
    """What onboarding told, as it is stored: JSON."""
    return _encode(body).decode()


def user_resource(user: User) -> UserResource:
    """A user as JSON."""
    return UserResource(
        id=user.id,
        created_at=write_time(user.created_at),
        updated_at=write_time(user.updated_at),
        status=user.status,
        **structs.asdict(_decode_details(user.details)),
    )
