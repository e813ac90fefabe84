"""Allocations, and the configurations that give one to an account, as JSON."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from orderlane.domain.allocation import MAX_ALLOCATION_INSTRUMENTS, Allocation, WeightChoice
from orderlane.domain.configuration import PortfolioConfiguration
from orderlane.domain.money import plain
from orderlane.resources.fields import TimeText
from orderlane.resources.formats import Uuid, write_time
from orderlane.resources.requests import AccountIdText, AllocationIdText, DecimalText, Isin, RequestBody, Text

InstrumentIdText = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9-]{12,36}\Z",
        description="An ISIN, or an instrument's id.",
        examples=["IE00B4L5Y983"],
    ),
]
_WeightText = Annotated[DecimalText, Meta(examples=["0.2"])]
_Name = Annotated[Text, Meta(examples=["World portfolio"])]


class WeightRequest(RequestBody, frozen=True):
    """One instrument of an allocation: by its ISIN, or by its id when the type is UPVEST."""

    instrument_id: InstrumentIdText
    weight: _WeightText
    instrument_id_type: Literal["ISIN", "UPVEST"] = "ISIN"


class AllocationRequest(RequestBody, frozen=True):
    """Target weights: greater than zero, together exactly 1 or exactly 100, no instrument twice."""

    allocation: Annotated[list[WeightRequest], Meta(min_length=1, max_length=MAX_ALLOCATION_INSTRUMENTS)]
    name: _Name = ""


class ConfigurationRequest(RequestBody, frozen=True):
    """Have an account follow an allocation."""

    account_id: AccountIdText
    allocation_id: AllocationIdText


class ConfigurationChange(RequestBody, frozen=True):
    """Have the account follow another allocation."""

    allocation_id: AllocationIdText


class AllocationEntry(Struct, frozen=True):
    """One instrument of an allocation."""

    instrument_id: Isin
    instrument_id_type: Literal["ISIN"]
    weight: _WeightText


class AllocationResource(Struct, frozen=True, kw_only=True):
    """Target weights, in the order in which they were sent."""

    id: Uuid
    created_at: TimeText
    updated_at: TimeText
    name: _Name
    allocation: list[AllocationEntry]


class ConfigurationResource(Struct, frozen=True, kw_only=True):
    """Which allocation the portfolio orders of an account follow."""

    account_id: Uuid
    allocation_id: Uuid
    created_at: TimeText
    updated_at: TimeText


def weight_choices(entries: Iterable[WeightRequest]) -> list[WeightChoice]:
    """The entries of an allocation as the rules take them."""
    return [WeightChoice(entry.instrument_id, Decimal(entry.weight)) for entry in entries]


def allocation_resource(allocation: Allocation) -> AllocationResource:
    """An allocation as JSON."""
    return AllocationResource(
        id=allocation.id,
        created_at=write_time(allocation.created_at),
        updated_at=write_time(allocation.updated_at),
        name=allocation.name,
        allocation=[AllocationEntry(entry.isin, "ISIN", plain(entry.weight)) for entry in allocation.weights],
    )


def configuration_resource(configuration: PortfolioConfiguration) -> ConfigurationResource:
    """A portfolio configuration as JSON."""
    return ConfigurationResource(
        account_id=configuration.account_id,
        allocation_id=configuration.allocation_id,
        created_at=write_time(configuration.created_at),
        updated_at=write_time(configuration.updated_at),
    )
