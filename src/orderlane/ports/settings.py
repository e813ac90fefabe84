"""How settings are declared and read: those of the service, and those that a venue brings along.

A setting is a field of a dataclass, declared by `declared`. It is read from text: a variable of the environment, or
an option of the command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PREFIX = "ORDERLANE_"
RANGE_MAX = 3_600_000

T = TypeVar("T")
SettingsT = TypeVar("SettingsT", bound="DataclassInstance")


class SettingRefused(Exception):
    """A setting has a wrong value: names where it came from and what would be right."""

    def __init__(self, source: str, value: str, expected: str) -> None:
        super().__init__(source, value, expected)
        self.source, self.value, self.expected = source, value, expected

    def __str__(self) -> str:
        return f"{self.source} is {self.value!r}, but must be {self.expected}"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How a setting is read from text (`read` raises ValueError), and in words which text is right."""

    read: Callable[[str], T]
    expected: str


def whole_number(minimum: int, maximum: int) -> Kind[int]:
    """A whole number between two bounds, both allowed."""

    def read(text: str) -> int:
        number = int(text)
        if not minimum <= number <= maximum:
            raise ValueError(text)
        return number

    return Kind(read, f"a whole number from {minimum} to {maximum}")


def one_of(*names: str) -> Kind[str]:
    """One of a few words."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    return Kind(read, f"one of {', '.join(names)}")


def optional(kind: Kind[T]) -> Kind[T | None]:
    """What may also be left out: an empty text is no value."""
    return Kind(lambda text: kind.read(text) if text else None, f"{kind.expected}, or empty")


def _read_range(text: str) -> tuple[int, int]:
    least, _, greatest = text.partition("-")
    numbers = int(least), int(greatest)
    if not 0 <= numbers[0] <= numbers[1] <= RANGE_MAX:
        raise ValueError(text)
    return numbers


def _read_switch(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


SWITCH = Kind(_read_switch, "true or false")
MILLISECONDS = Kind(_read_range, f"two whole numbers up to {RANGE_MAX}, the least and the greatest, such as 5-60")


def declared(kind: Kind[Any], purpose: str) -> Mapping[str, object]:
    """The metadata of a dataclass's field that is a setting: how it is read, and in a sentence what it does."""
    return {"kind": kind, "purpose": purpose}


def read_setting(setting: "Field[Any]", source: str, text: str) -> object:
    """The value of a setting that is written as `text`, which comes from `source`.

    Raises:
        SettingRefused: it is wrong.
    """
    kind: Kind[object] = setting.metadata["kind"]
    try:
        return kind.read(text.strip())
    except ValueError:
        raise SettingRefused(source, text, kind.expected) from None


def read_settings_of(settings: type[SettingsT], prefix: str, environment: Mapping[str, str]) -> SettingsT:
    """Settings, each from the variable of its name behind `prefix` where there is one.

    Raises:
        SettingRefused: one of them is wrong, or they contradict each other.
    """
    variables = {f"{prefix}{setting.name.upper()}": setting for setting in fields(settings)}
    chosen = {name: text for name, text in environment.items() if name in variables}
    values = {variables[name].name: read_setting(variables[name], name, text) for name, text in chosen.items()}
    try:
        return settings(**values)
    except ValueError as contradiction:
        texts = ", ".join(f"{name}={text}" for name, text in chosen.items())
        raise SettingRefused(f"{prefix}*", texts, f"consistent: {contradiction}") from None
