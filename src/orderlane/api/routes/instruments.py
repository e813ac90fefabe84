"""Instruments: what can be traded."""

from typing import Annotated, Literal

from msgspec import Meta

from orderlane.api import problem_types
from orderlane.api.lists import PageQuery, ResourceList, resource_list
from orderlane.api.operations import Call, operation
from orderlane.api.scopes import Scope
from orderlane.ports.instruments import ListedInstrument
from orderlane.resources.allocations import InstrumentIdText
from orderlane.resources.instruments import InstrumentResource, instrument_resource


class InstrumentsQuery(PageQuery, frozen=True, kw_only=True):
    """Which instruments to list."""

    sort: Annotated[Literal["isin", "name", "created_at", "updated_at", "id"], Meta(description="What to sort by.")] = (
        "isin"
    )


@operation("GET", "/instruments", tag="Instruments", scope=Scope.INSTRUMENTS_READ, summary="List instruments")
async def list_instruments(call: Call, query: InstrumentsQuery) -> ResourceList[InstrumentResource]:
    """Every instrument that is known, tradable or not."""
    return await resource_list(call.slices, query.page, await call.store.instruments.list(query.page), _resource)


@operation(
    "GET",
    "/instruments/{instrument_id}",
    tag="Instruments",
    scope=Scope.INSTRUMENTS_READ,
    problems=(problem_types.NOT_FOUND,),
    summary="Get an instrument",
)
async def get_instrument(call: Call, instrument_id: InstrumentIdText) -> InstrumentResource:
    """One instrument, by its ISIN or its id."""
    return _resource(await call.store.instruments.get(instrument_id))


def _resource(listed: ListedInstrument) -> InstrumentResource:
    return instrument_resource(
        listed.instrument, listed.id, listed.wkn, created_at=listed.created_at, updated_at=listed.updated_at
    )


OPERATIONS = (list_instruments, get_instrument)
