"""Which venues there are: kinds that packages register by entry point, and the choice of an operator among them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from msgspec import Struct, structs

from orderlane.ports.settings import PREFIX, SettingRefused, read_settings_of
from orderlane.ports.venue import Venue, VenueContext, VenueKind
from orderlane.sources import Clock

GROUP: Final = "orderlane.venues"
"""The group of entry points, each a `VenueKind` by the kind's name."""

SETTING: Final = "ORDERLANE_VENUES"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,29}")


class VenueChoice(Struct, frozen=True, kw_only=True):
    """A venue that an operator runs: its name, its kind, and its own settings as they stand in the environment."""

    name: str
    kind: str
    variables: Mapping[str, str] = {}

    def __str__(self) -> str:
        return self.name if self.kind == self.name.lower() else f"{self.name}={self.kind}"


def read_choices(text: str) -> tuple[VenueChoice, ...]:
    """Venues as an operator names them: `NAME` or `NAME=kind`, separated by commas.

    Raises:
        ValueError: they are not written like that, or one is named twice.
    """
    choices = tuple(_read_choice(entry.strip()) for entry in text.split(","))
    if len({choice.name for choice in choices}) < len(choices):
        raise ValueError(text)
    return choices


def _read_choice(entry: str) -> VenueChoice:
    name, equals, kind = (part.strip() for part in entry.partition("="))
    if not _NAME.fullmatch(name) or bool(equals) != bool(kind):
        raise ValueError(entry)
    return VenueChoice(name=name, kind=kind or name.lower())


def variable_prefix(name: str) -> str:
    """What the variables of a venue's own settings begin with."""
    return f"{PREFIX}VENUE_{name}_"


def with_variables(choice: VenueChoice, environment: Mapping[str, str]) -> VenueChoice:
    """The choice with what the environment says of its settings."""
    prefix = variable_prefix(choice.name)
    variables = {name: text for name, text in environment.items() if name.startswith(prefix)}
    return structs.replace(choice, variables=variables)


def installed_kinds() -> Mapping[str, EntryPoint]:
    """The kinds of venues of all installed packages, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def kind_of(choice: VenueChoice) -> VenueKind[Any]:
    """The kind of a venue.

    Raises:
        SettingRefused: no such kind is installed, or it cannot be loaded.
    """
    installed = installed_kinds()
    if choice.kind not in installed:
        named = ", ".join(sorted(installed)) or "none"
        raise SettingRefused(SETTING, str(choice), f"of a kind that is installed ({named})")
    try:
        kind = installed[choice.kind].load()
    except (ImportError, AttributeError) as error:
        raise SettingRefused(SETTING, str(choice), f"of a kind that can be loaded ({error})") from error
    if not isinstance(kind, VenueKind):
        raise SettingRefused(SETTING, str(choice), f"of a kind whose entry point is a VenueKind, not {kind!r}")
    return kind


def settings_of(choice: VenueChoice) -> Any:
    """A venue's own settings.

    Raises:
        SettingRefused: there is no such kind, or a setting is wrong.
    """
    return read_settings_of(kind_of(choice).settings, variable_prefix(choice.name), choice.variables)


def variables_of(choice: VenueChoice) -> Iterator[str]:
    """The variables that a venue knows; of a kind that is not installed here, all that are there."""
    if choice.kind not in installed_kinds():
        yield from choice.variables
        return
    for setting in fields(kind_of(choice).settings):
        yield f"{variable_prefix(choice.name)}{setting.name.upper()}"


def chosen_venues(choices: Sequence[VenueChoice], name: str | None = None) -> tuple[VenueChoice, ...]:
    """The venues to serve, all of them or the one that is named, once their settings are seen to be right.

    Raises:
        SettingRefused: none has this name, a kind is not installed, or one of the settings is wrong.
    """
    chosen = tuple(choice for choice in choices if name in (None, choice.name))
    if not chosen:
        raise SettingRefused("--venue", str(name), f"one of {SETTING} ({', '.join(map(str, choices))})")
    for choice in chosen:
        settings_of(choice)
    return chosen


async def open_venue(choice: VenueChoice, clock: Clock) -> Venue:
    """A venue as it was chosen; `clock` tells the business time.

    Raises:
        SettingRefused: there is no such kind, or a setting is wrong.
    """
    return await kind_of(choice).open(settings_of(choice), VenueContext(name=choice.name, clock=clock))
