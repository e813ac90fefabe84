"""Instruments over HTTP, and loading them."""

from decimal import Decimal
from typing import Any

import asyncpg

from orderlane.domain.instruments import TradingStatus
from orderlane.ports.instruments import InstrumentsLoaded
from orderlane.postgres.venues import register_venues
from tests.database.api.worlds import ISINS, ClientWorld, instrument, load_instruments


async def test_an_instrument_is_found_by_isin_and_by_id(world: ClientWorld) -> None:
    found = await world.get(f"/instruments/{ISINS[0]}")

    assert found | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "created_at": "",
        "updated_at": "",
        "isin": ISINS[0],
        "wkn": "WKN600",
        "name": f"Instrument {ISINS[0]}",
        "fractional_trading": True,
        "trading_status": "ACTIVE",
        "currency": "EUR",
        "minimum_amount": "1",
        "price": "50",
        "venue": "SIMULATED",
    }
    assert await world.get(f"/instruments/{found['id']}") == found


async def test_unknown_instruments_are_not_found_and_malformed_ids_refused(world: ClientWorld) -> None:
    assert (await world.http.get("/instruments/US0378331005")).status_code == 404
    assert (await world.http.get("/instruments/00000000-0000-7000-8000-000000000000")).status_code == 404
    assert (await world.http.get("/instruments/~")).status_code == 400


async def test_instruments_are_listed_by_isin_or_by_name(api: Any, world: ClientWorld) -> None:
    await load_instruments(api, [instrument(ISINS[2], name="Aardvark")])

    by_isin = await world.get("/instruments")
    by_name = await world.get("/instruments", sort="name", limit=1)

    isins = [one["isin"] for one in by_isin["data"]]
    assert isins == sorted(isins)
    assert len(isins) == by_isin["meta"]["total_count"] == 4
    assert [one["name"] for one in by_name["data"]] == ["Aardvark"]
    assert (await world.http.get("/instruments", params={"sort": "price"})).status_code == 400


async def test_loading_adds_and_changes_and_leaves_alone(api: Any) -> None:
    first = [instrument(ISINS[0]), instrument(ISINS[1])]
    again = [
        instrument(ISINS[0], price=Decimal("50.0")),
        instrument(ISINS[1], trading_status=TradingStatus.INACTIVE),
        instrument(ISINS[2]),
    ]

    assert await load_instruments(api, first) == InstrumentsLoaded(added=2, changed=0, unchanged=0)
    before = (await api.http.get(f"/instruments/{ISINS[0]}")).json()
    assert await load_instruments(api, again) == InstrumentsLoaded(added=1, changed=1, unchanged=1)

    assert (await api.http.get(f"/instruments/{ISINS[0]}")).json() == before
    changed = (await api.http.get(f"/instruments/{ISINS[1]}")).json()
    assert changed["trading_status"] == "INACTIVE"
    assert changed["updated_at"] > changed["created_at"]


async def test_an_instrument_is_executed_at_the_venue_that_it_names(
    api: Any, world: ClientWorld, connection: asyncpg.Connection
) -> None:
    await register_venues(connection, ["SECOND"], api.new_id, api.sources.clock.now())

    assert await load_instruments(api, [instrument(ISINS[0], venue="SECOND")]) == InstrumentsLoaded(
        added=0, changed=1, unchanged=0
    )

    venues = {entry["isin"]: entry["venue"] for entry in (await world.get("/instruments"))["data"]}
    assert (venues[ISINS[0]], venues[ISINS[1]]) == ("SECOND", "SIMULATED")
    assert (await world.get(f"/instruments/{ISINS[0]}"))["venue"] == "SECOND"
    async with api.services.store.reading() as store:
        assert [venue.name for venue in await store.instruments.venues()] == ["SIMULATED", "SECOND"]
    await load_instruments(api, [instrument(ISINS[0])])
    assert (await world.get(f"/instruments/{ISINS[0]}"))["venue"] == "SIMULATED"
