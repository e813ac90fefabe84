"""Venues are chosen by name, and their kinds come from installed packages, with settings of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orderlane.ports.settings import SettingRefused
from orderlane.settings import read_settings, unknown_variables
from orderlane.sources import SystemClock
from orderlane.venues.conformance import Heard, sample_order
from orderlane.venues.registry import (
    VenueChoice,
    chosen_venues,
    installed_kinds,
    kind_of,
    open_venue,
    settings_of,
)
from orderlane.venues.simulated import Behaviour, SimulatedVenue
from tests.venue_packages import install_venue_package

PLUGIN = """
from dataclasses import dataclass, field

from orderlane.ports.settings import declared, one_of, whole_number
from orderlane.ports.venue import VenueKind
from orderlane.venues.simulated import Behaviour, SimulatedVenue


@dataclass(frozen=True)
class Settings:
    level: int = field(default=3, metadata=declared(whole_number(1, 9), "How deep the pond is."))
    tide: str = field(default="low", metadata=declared(one_of("low", "high"), "How the water stands."))

    def __post_init__(self):
        if self.level == 9 and self.tide == "high":
            raise ValueError("the pond flows over")


async def open_pond(settings, context):
    venue = SimulatedVenue(Behaviour.instant(seed=settings.level), context.clock, context.name)
    venue.settings = settings
    return venue


KIND = VenueKind(settings=Settings, open=open_pond)
NO_KIND = "pond"
"""
ENTRY_POINTS = {
    "pond": "pond_venue:KIND",
    "no_module": "pond_venue_that_is_gone:KIND",
    "no_object": "pond_venue:GONE",
    "no_kind": "pond_venue:NO_KIND",
}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with a kind of venue, as an installation leaves it on the path."""
    install_venue_package(tmp_path, "pond_venue", PLUGIN, ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("pond_venue", None)


def chosen(**variables: str) -> tuple[VenueChoice, ...]:
    return read_settings({f"ORDERLANE_{name}": text for name, text in variables.items()}, {}).venues


def test_the_simulated_kind_comes_by_its_entry_point() -> None:
    assert installed_kinds()["simulated"].value == "orderlane.venues.simulated:KIND"


def test_without_anything_chosen_there_is_one_simulated_venue() -> None:
    [choice] = chosen()

    assert (choice.name, choice.kind, str(choice)) == ("SIMULATED", "simulated", "SIMULATED")
    assert settings_of(choice) == Behaviour()


def test_each_venue_has_a_name_a_kind_and_settings_of_its_own() -> None:
    venues = chosen(
        VENUES="SIMULATED, SECOND=simulated",
        VENUE_SIMULATED_ACK_MS="7-9",
        VENUE_SECOND_ACK_MS="3-4",
        VENUE_SECOND_SPLIT_PERCENT="50",
    )

    assert [str(choice) for choice in venues] == ["SIMULATED", "SECOND=simulated"]
    assert settings_of(venues[0]) == Behaviour(ack_ms=(7, 9))
    assert settings_of(venues[1]) == Behaviour(ack_ms=(3, 4), split_percent=50)


@pytest.mark.parametrize(
    "text", ["", "simulated", "A,A=simulated", "A=", "=simulated", "9A=simulated", "A" * 31, "A,,B"]
)
def test_a_list_of_venues_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingRefused, match=r"^ORDERLANE_VENUES is .* must be names of venues, each with its kind"):
        chosen(VENUES=text)


def test_a_wrong_value_is_refused_by_the_name_of_its_variable() -> None:
    [choice] = chosen(VENUES="SECOND=simulated", VENUE_SECOND_SPLIT_PERCENT="101")

    with pytest.raises(SettingRefused) as refused:
        settings_of(choice)

    expected = "ORDERLANE_VENUE_SECOND_SPLIT_PERCENT is '101', but must be a whole number from 0 to 100"
    assert str(refused.value) == expected


def test_a_kind_that_nobody_installed_is_refused_with_those_that_are_there() -> None:
    [choice] = chosen(VENUES="LONDON=fix")

    with pytest.raises(SettingRefused, match=r"^ORDERLANE_VENUES is 'LONDON=fix', .* installed \(.*simulated.*\)"):
        kind_of(choice)


@pytest.mark.usefixtures("plugin")
async def test_a_kind_from_another_package_brings_its_settings_along() -> None:
    [choice] = chosen(VENUES="LAKE=pond", VENUE_LAKE_LEVEL="7")
    order, heard = sample_order(), Heard()

    venue = await open_venue(choice, SystemClock())
    await venue.send([order])
    await heard.listen(venue, [order])

    assert isinstance(venue, SimulatedVenue)
    assert venue.name == "LAKE"
    assert (venue.settings.level, venue.settings.tide) == (7, "low")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"VENUE_LAKE_TIDE": "ebb"}, "ORDERLANE_VENUE_LAKE_TIDE is 'ebb', but must be one of low, high"),
        (
            {"VENUE_LAKE_TIDE": "high", "VENUE_LAKE_LEVEL": "9"},
            "ORDERLANE_VENUE_LAKE_* is 'ORDERLANE_VENUE_LAKE_TIDE=high, ORDERLANE_VENUE_LAKE_LEVEL=9', "
            "but must be consistent: the pond flows over",
        ),
    ],
)
def test_settings_from_another_package_are_refused_by_name(variables: dict[str, str], expected: str) -> None:
    [choice] = chosen(VENUES="LAKE=pond", **variables)

    with pytest.raises(SettingRefused) as refused:
        settings_of(choice)

    assert str(refused.value) == expected


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no_module", "that can be loaded (No module named 'pond_venue_that_is_gone')"),
        ("no_object", "that can be loaded (module 'pond_venue' has no attribute 'GONE')"),
        ("no_kind", "whose entry point is a VenueKind, not 'pond'"),
    ],
)
def test_a_kind_that_cannot_be_used_is_refused_with_the_reason(kind: str, reason: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        kind_of(VenueChoice(name="LAKE", kind=kind))

    assert str(refused.value) == f"ORDERLANE_VENUES is 'LAKE={kind}', but must be of a kind {reason}"


@pytest.mark.usefixtures("plugin")
def test_a_misspelled_setting_of_a_venue_is_noticed() -> None:
    environment = {
        "ORDERLANE_VENUES": "SIMULATED,LAKE=pond,LONDON=fix",
        "ORDERLANE_VENUE_SIMULATED_ACK_MS": "1-2",
        "ORDERLANE_VENUE_SIMULATED_AKC_MS": "1-2",
        "ORDERLANE_VENUE_LAKE_LEVEL": "2",
        "ORDERLANE_VENUE_LAKE_LEVLE": "2",
        "ORDERLANE_VENUE_LONDON_HOST": "the kind is not installed on this host: nobody knows",
        "ORDERLANE_VENUE_OTHER_SEED": "2",
    }

    assert unknown_variables(environment) == [
        "ORDERLANE_VENUE_LAKE_LEVLE",
        "ORDERLANE_VENUE_OTHER_SEED",
        "ORDERLANE_VENUE_SIMULATED_AKC_MS",
    ]


def test_a_gateway_serves_all_venues_or_the_one_that_is_named() -> None:
    venues = chosen(VENUES="SIMULATED,SECOND=simulated")

    assert [choice.name for choice in chosen_venues(venues)] == ["SIMULATED", "SECOND"]
    assert [choice.name for choice in chosen_venues(venues, "SECOND")] == ["SECOND"]
    with pytest.raises(SettingRefused) as refused:
        chosen_venues(venues, "THIRD")

    expected = "--venue is 'THIRD', but must be one of ORDERLANE_VENUES (SIMULATED, SECOND=simulated)"
    assert str(refused.value) == expected


def test_every_venue_is_looked_at_before_anything_starts() -> None:
    venues = chosen(VENUES="SIMULATED,SECOND=simulated", VENUE_SECOND_SEED="minus one")

    with pytest.raises(SettingRefused, match=r"^ORDERLANE_VENUE_SECOND_SEED is 'minus one'"):
        chosen_venues(venues)
