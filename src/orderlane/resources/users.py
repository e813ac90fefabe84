"""Users as JSON: who invests. What a client tells at onboarding is kept and given back as it came."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from orderlane.resources.requests import NO_CONTROL_CHARACTERS, CountryCode, RequestBody

UserStatus = Literal["ACTIVE", "INACTIVE", "OFFBOARDING", "OFFBOARDED"]

_Salutation = Literal["", "SALUTATION_MALE", "SALUTATION_FEMALE", "SALUTATION_FEMALE_MARRIED", "SALUTATION_DIVERSE"]
_Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_CONTROL_CHARACTERS)]
_Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_CONTROL_CHARACTERS)]
_Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z", max_length=255, examples=["ada@example.com"])]
_Phone = Annotated[str, Meta(pattern=r"^\+?[0-9 ()/\-]{3,30}\Z", examples=["+49301234567"])]
_Postcode = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9 \-]{1,10}\Z", examples=["10115"])]


class Address(RequestBody, frozen=True):
    """A postal address."""

    address_line1: _Line
    postcode: _Postcode
    city: _Line
    country: CountryCode
    address_line2: _Line | UnsetType = UNSET
    state: _Line | UnsetType = UNSET


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

    first_name: _Name
    last_name: _Name
    birth_date: datetime.date
    nationalities: Annotated[list[CountryCode], Meta(min_length=1, max_length=10)]
    address: Address
    salutation: _Salutation | UnsetType = UNSET
    title: Annotated[str, Meta(max_length=50, pattern=NO_CONTROL_CHARACTERS)] | UnsetType = UNSET
    birth_city: _Line | UnsetType = UNSET
    birth_country: CountryCode | UnsetType = UNSET
    birth_name: _Name | UnsetType = UNSET
    postal_address: Address | UnsetType = UNSET
    email: _Email | UnsetType = UNSET
    phone_number: _Phone | UnsetType = UNSET
    terms_and_conditions: Consent | UnsetType = UNSET
    data_privacy_and_sharing_agreement: Consent | UnsetType = UNSET
    fatca: FatcaStatement | UnsetType = UNSET


class UserResource(UserRequest, frozen=True, kw_only=True):
    """A user."""

    id: UUID
    created_at: str
    updated_at: str
    status: UserStatus


class UserReference(Struct, frozen=True):
    """A user as an account or an account group names its holder."""

    id: UUID
    type: Literal["OWNER"] = "OWNER"


class Accepted(Struct, frozen=True):
    """The resource that will be changed."""

    id: UUID
