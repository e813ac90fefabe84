"""Allocations, and the configurations that give one to an account, as JSON."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from orderlane.domain.allocation import MAX_ALLOCATION_INSTRUMENTS, Allocation
from orderlane.domain.money import plain
from orderlane.resources.formats import write_time
from orderlane.resources.requests import DecimalText, Isin, RequestBody, Text

InstrumentId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{12,36}\Z", description="An ISIN, or an instrument's id.")]


class WeightRequest(RequestBody, frozen=True):
    """One instrument of an allocation: by its ISIN, or by its id when the type is UPVEST."""

    instrument_id: InstrumentId
    weight: DecimalText
    instrument_id_type: Literal["ISIN", "UPVEST"] = "ISIN"


class AllocationRequest(RequestBody, frozen=True):
    """Target weights: greater than zero, together exactly 1 or exactly 100, no instrument twice."""

    allocation: Annotated[list[WeightRequest], Meta(min_length=1, max_length=MAX_ALLOCATION_INSTRUMENTS)]
    name: Text = ""


class ConfigurationRequest(RequestBody, frozen=True):
    """Have an account follow an allocation."""

    account_id: UUID
    allocation_id: UUID


class ConfigurationChange(RequestBody, frozen=True):
    """Have the account follow another allocation."""

    allocation_id: UUID


class AllocationEntry(Struct, frozen=True):
    """One instrument of an allocation."""

    instrument_id: Isin
    instrument_id_type: Literal["ISIN"]
    weight: DecimalText


class AllocationResource(Struct, frozen=True):
    """Target weights, in the order in which they were given."""

    id: UUID
    created_at: str
    updated_at: str
    name: str
    allocation: list[AllocationEntry]


class ConfigurationResource(Struct, frozen=True):
    """Which allocation the portfolio orders of an account follow."""

    account_id: UUID
    allocation_id: UUID
    created_at: str
    updated_at: str


def allocation_resource(one: Allocation) -> AllocationResource:
    """An allocation as JSON."""
    return AllocationResource(
        id=one.id,
        created_at=write_time(one.created_at),
        updated_at=write_time(one.updated_at),
        name=one.name,
        allocation=[AllocationEntry(entry.isin, "ISIN", plain(entry.weight)) for entry in one.weights],
    )


def configuration_resource(
    account_id: UUID, allocation_id: UUID, created_at: datetime, updated_at: datetime
) -> ConfigurationResource:
    """A portfolio configuration as JSON."""
    return ConfigurationResource(account_id, allocation_id, write_time(created_at), write_time(updated_at))
