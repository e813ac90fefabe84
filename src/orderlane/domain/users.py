"""The user of an account: whom a client's accounts belong to."""

from enum import StrEnum


class UserStatus(StrEnum):
    """Where the relation with a user stands; only an ACTIVE user may get or order something new."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    OFFBOARDING = "OFFBOARDING"
    OFFBOARDED = "OFFBOARDED"
