"""Every setting of the service: from the environment, overridden by options of the command line."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from iso4217 import Currency as Iso4217

PREFIX = "ORDERLANE_"
RANGE_MAX = 3_600_000
LOG_LEVELS = ("debug", "info", "warning", "error")

T = TypeVar("T")


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
    found = int(least), int(greatest)
    if not 0 <= found[0] <= found[1] <= RANGE_MAX:
        raise ValueError(text)
    return found


def _read_switch(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _read_database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise ValueError(text)
    return text


def _read_currency(text: str) -> str:
    return Iso4217(text).code


def _read_host(text: str) -> str:
    if not text or any(character.isspace() or character == "/" for character in text):
        raise ValueError(text)
    return text


def _read_networks(text: str) -> str:
    return ",".join(str(ip_network(one.strip(), strict=False)) for one in text.split(","))


def _read_folder(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text).expanduser()


SWITCH = Kind(_read_switch, "true or false")
DATABASE_URL = Kind(_read_database_url, "an address such as postgresql://user:password@host:5432/database")
CURRENCY = Kind(_read_currency, "a currency code of ISO 4217 such as EUR")
HOST = Kind(_read_host, "an address or a name of this machine, such as 127.0.0.1")
MILLISECONDS = Kind(_read_range, f"two whole numbers up to {RANGE_MAX}, the least and the greatest, such as 5-60")
NETWORKS = Kind(_read_networks, "addresses or networks, separated by commas, such as 10.0.0.0/8,127.0.0.1")
FOLDER = Kind(_read_folder, "the path of a folder")


def _told(kind: Kind[Any], purpose: str) -> dict[str, object]:
    return {"kind": kind, "purpose": purpose}


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose. Each field is the environment variable ORDERLANE_ and its name."""

    database_url: str | None = field(
        default=None,
        metadata=_told(
            optional(DATABASE_URL),
            "The PostgreSQL (15 or newer) to use. Without it, an embedded one runs in the data folder.",
        ),
    )
    data_dir: Path = field(
        default=Path("~/.local/share/orderlane"),
        metadata=_told(FOLDER, "The folder of the embedded PostgreSQL; made on the first start."),
    )
    postgres_bin: Path | None = field(
        default=None,
        metadata=_told(
            optional(FOLDER),
            "The bin folder of the PostgreSQL server to embed, instead of the one that comes with the package.",
        ),
    )
    host: str = field(default="127.0.0.1", metadata=_told(HOST, "Where the API listens."))
    port: int = field(
        default=8080, metadata=_told(whole_number(0, 65535), "The port on which the API listens; 0 takes any free one.")
    )
    trusted_proxies: str | None = field(
        default=None,
        metadata=_told(
            optional(NETWORKS),
            "The reverse proxies in front of the API. X-Forwarded-For and X-Forwarded-Proto, which say who asks and by "
            "which scheme, are believed when they come from these, and from nobody else.",
        ),
    )
    currency: str = field(
        default="EUR",
        metadata=_told(CURRENCY, "The currency of every account. Fixed for ever when the database is made."),
    )
    lane_count: int = field(
        default=64,
        metadata=_told(
            whole_number(1, 1024), "How many lanes a new database gets. Fixed for ever when the database is made."
        ),
    )
    lane_batch_size: int = field(
        default=150,
        metadata=_told(whole_number(1, 10_000), "How many messages a lane worker applies in one transaction, at most."),
    )
    lane_workers: int = field(
        default=2,
        metadata=_told(
            whole_number(1, 16),
            "How many lane workers a process runs: one decides while another's writes are at the database.",
        ),
    )
    database_connections: int = field(
        default=10, metadata=_told(whole_number(2, 500), "How many database connections the API opens, at most.")
    )
    token_lifetime_seconds: int = field(
        default=1800, metadata=_told(whole_number(10, 86_400), "How long an access token is valid.")
    )
    requests_per_minute: int | None = field(
        default=None,
        metadata=_told(
            optional(whole_number(1, 1_000_000)),
            "How many requests a client may make in a minute, unless it has a limit of its own. Empty: no limit.",
        ),
    )
    token_requests_per_minute: int = field(
        default=60,
        metadata=_told(
            whole_number(1, 1_000_000), "How often a client, and an address, may ask for an access token in a minute."
        ),
    )
    venue_seed: int = field(
        default=1,
        metadata=_told(
            whole_number(0, 2**31), "What the simulated venue draws from. Change it only while no order is open."
        ),
    )
    venue_ack_ms: tuple[int, int] = field(
        default=(1, 5),
        metadata=_told(MILLISECONDS, "How long the simulated venue takes to acknowledge an order, in milliseconds."),
    )
    venue_fill_ms: tuple[int, int] = field(
        default=(5, 60),
        metadata=_told(MILLISECONDS, "How long it takes from there to each execution, in milliseconds."),
    )
    venue_split_percent: int = field(
        default=30,
        metadata=_told(whole_number(0, 100), "How many of 100 orders the simulated venue executes in several parts."),
    )
    venue_refuse_percent: int = field(
        default=0, metadata=_told(whole_number(0, 100), "How many of 100 orders the simulated venue refuses.")
    )
    allow_insecure_webhooks: bool = field(
        default=False,
        metadata=_told(
            SWITCH, "Whether webhooks may go to http addresses and to this machine's own network. For development only."
        ),
    )
    development: bool = field(
        default=False,
        metadata=_told(
            SWITCH, "Whether a refused signature's answer shows the signature base that the server computed."
        ),
    )
    log_level: str = field(
        default="info", metadata=_told(one_of(*LOG_LEVELS), "The least important log lines to write.")
    )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def option(name: str) -> str:
    """The command line's option of a setting."""
    return "--" + name.replace("_", "-")


def read_settings(environment: Mapping[str, str], options: Mapping[str, object | None]) -> Settings:
    """The settings of the environment, overridden by those options that are not None.

    Raises:
        SettingRefused: a value is wrong.
    """
    chosen: dict[str, Any] = {}
    for one in fields(Settings):
        given = options.get(one.name)
        if given is not None:
            chosen[one.name] = _read(one, option(one.name), str(given))
        elif variable(one.name) in environment:
            chosen[one.name] = _read(one, variable(one.name), environment[variable(one.name)])
    return Settings(**chosen)


def _read(one: "Field[Any]", source: str, text: str) -> object:
    kind: Kind[object] = one.metadata["kind"]
    try:
        return kind.read(text.strip())
    except ValueError:
        raise SettingRefused(source, text, kind.expected) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that begin like ours and are none: most likely a misspelled name."""
    known = {variable(one.name) for one in fields(Settings)}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def reference() -> str:
    """The settings as a page of the documentation."""
    rows = "\n".join(_reference_row(one) for one in fields(Settings))
    return (
        "# Settings\n\n"
        "Each is an environment variable; the commands that offer it as an option (`--data-dir`) prefer the option.\n"
        "A wrong value stops the program with a sentence that names the variable.\n\n"
        "| variable | value | default | what it does |\n|---|---|---|---|\n"
        f"{rows}\n"
    )


def _reference_row(one: "Field[Any]") -> str:
    default = "" if one.default is None else f"`{_written(one.default)}`"
    return f"| `{variable(one.name)}` | {one.metadata['kind'].expected} | {default} | {one.metadata['purpose']} |"


def _written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return "-".join(map(str, value))
        case _:
            return str(value)


if __name__ == "__main__":
    sys.stdout.write(reference())
