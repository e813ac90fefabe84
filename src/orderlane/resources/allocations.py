"""Allocations, and the configurations that give one to an account, as JSON."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from orderlane.domain.allocation import Allocation
from orderlane.domain.money import plain
from orderlane.resources.formats import write_time


class AllocationEntry(Struct, frozen=True):
    """One instrument of an allocation."""

    instrument_id: str
    instrument_id_type: str
    weight: str


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
