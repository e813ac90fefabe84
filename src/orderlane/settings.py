"""Every setting of the service: from the environment, overridden by options of the command line."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from iso4217 import Currency as Iso4217

from orderlane.domain.ids import SLOTS
from orderlane.ports.settings import (
    PREFIX,
    SWITCH,
    Kind,
    SettingRefused,
    declared,
    one_of,
    optional,
    read_setting,
    whole_number,
)
from orderlane.venues.registry import VenueChoice, read_choices, variable_prefix, variables_of, with_variables
from orderlane.venues.simulated import Behaviour

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["SettingRefused", "Settings", "option", "read_settings", "reference", "unknown_variables", "variable"]

LOG_LEVELS = ("debug", "info", "warning", "error")


def _read_lane_count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= SLOTS or number & (number - 1):
        raise ValueError(text)
    return number


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


def _read_public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(text)
    return text.rstrip("/")


def _read_networks(text: str) -> str:
    return ",".join(str(ip_network(one.strip(), strict=False)) for one in text.split(","))


def _read_folder(text: str) -> Path:
    if not text:
        raise ValueError(text)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # there is no such user, or no home folder
        raise ValueError(text) from error


def _read_account(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_.-]*", text, re.IGNORECASE | re.ASCII):
        raise ValueError(text)
    return text


LANE_COUNT = Kind(_read_lane_count, "a power of two from 1 to 1024")
DATABASE_URL = Kind(_read_database_url, "an address such as postgresql://user:password@host:5432/database")
CURRENCY = Kind(_read_currency, "a currency code of ISO 4217 such as EUR")
HOST = Kind(_read_host, "an address or a name of this machine, such as 127.0.0.1")
PUBLIC_URL = Kind(_read_public_url, "an address such as https://orders.example.com")
NETWORKS = Kind(_read_networks, "addresses or networks, separated by commas, such as 10.0.0.0/8,127.0.0.1")
FOLDER = Kind(_read_folder, "the path of a folder")
ACCOUNT = Kind(_read_account, "the name of an account of the operating system, such as orderlane")
VENUES = Kind(
    read_choices,
    "names of venues, each with its kind unless that is its name in lower case, separated by commas, such as "
    "SIMULATED,SECOND=simulated; a name is a capital letter, then capital letters, digits and _, at most 30 in all",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose. Each field is the environment variable ORDERLANE_ and its name."""

    database_url: str | None = field(
        default=None,
        metadata=declared(
            optional(DATABASE_URL),
            "The PostgreSQL (15 or newer) to use. Without it, an embedded one runs in the data folder.",
        ),
    )
    data_dir: Path = field(
        default=Path("~/.local/share/orderlane"),
        metadata=declared(FOLDER, "The folder of the embedded PostgreSQL; made on the first start."),
    )
    postgres_bin: Path | None = field(
        default=None,
        metadata=declared(
            optional(FOLDER),
            "The bin folder of the PostgreSQL server to embed, instead of the one that comes with the package.",
        ),
    )
    postgres_user: str = field(
        default="orderlane",
        metadata=declared(
            ACCOUNT,
            "The account that the embedded PostgreSQL runs as when Orderlane runs as root. The default one is made if "
            "it is missing.",
        ),
    )
    host: str = field(default="127.0.0.1", metadata=declared(HOST, "Where the API listens."))
    port: int = field(
        default=8080,
        metadata=declared(whole_number(0, 65535), "The port on which the API listens; 0 takes any free one."),
    )
    public_url: str | None = field(
        default=None,
        metadata=declared(
            optional(PUBLIC_URL),
            "The address at which clients reach the API: the `type` of every problem begins with it, and the OpenAPI "
            "document names it. Empty: the address on which the API listens.",
        ),
    )
    trusted_proxies: str | None = field(
        default=None,
        metadata=declared(
            optional(NETWORKS),
            "The reverse proxies in front of the API. X-Forwarded-For and X-Forwarded-Proto, which say who asks and by "
            "which scheme, are believed when they come from these, and from nobody else.",
        ),
    )
    currency: str = field(
        default="EUR",
        metadata=declared(CURRENCY, "The currency of every account. Fixed for ever when the database is made."),
    )
    lane_count: int = field(
        default=64,
        metadata=declared(
            LANE_COUNT, "How many lanes a new database gets. Fixed for ever when the database is created."
        ),
    )
    lane_batch_size: int = field(
        default=150,
        metadata=declared(
            whole_number(1, 10_000), "How many messages a lane worker applies in one transaction, at most."
        ),
    )
    lane_workers: int = field(
        default=2,
        metadata=declared(
            whole_number(1, 16),
            "How many lane workers a process runs: one decides while another's writes are at the database.",
        ),
    )
    database_connections: int = field(
        default=10, metadata=declared(whole_number(2, 500), "How many database connections the API opens, at most.")
    )
    token_lifetime_seconds: int = field(
        default=1800, metadata=declared(whole_number(10, 86_400), "How long an access token is valid.")
    )
    requests_per_minute: int | None = field(
        default=None,
        metadata=declared(
            optional(whole_number(1, 1_000_000)),
            "How many requests a client may make in a minute, unless it has a limit of its own. Empty: no limit.",
        ),
    )
    token_requests_per_minute: int = field(
        default=60,
        metadata=declared(
            whole_number(1, 1_000_000), "How often a client, and an address, may ask for an access token in a minute."
        ),
    )
    lists_per_client: int = field(
        default=4,
        metadata=declared(
            whole_number(1, 100),
            "How many lists of a client the API answers at a time, at most half of its database connections, which is "
            "how many of all clients it reads at a time. Further ones wait for up to 5 s, then get 429; 503 when the "
            "lists of all clients are too many.",
        ),
    )
    venues: tuple[VenueChoice, ...] = field(
        default=(VenueChoice(name="SIMULATED", kind="simulated"),),
        metadata=declared(
            VENUES,
            "The venues that gateways serve. The first is the default one of a new database: instruments that name no "
            "venue are executed there.",
        ),
    )
    webhooks_per_client: int = field(
        default=100,
        metadata=declared(
            whole_number(1, 100_000), "How many webhook subscriptions a client may have, enabled or not."
        ),
    )
    webhook_test_calls_per_client: int = field(
        default=4,
        metadata=declared(
            whole_number(1, 1000), "How many test calls of a client may wait for their receivers at once, in a process."
        ),
    )
    webhook_requests: int | None = field(
        default=None,
        metadata=declared(
            optional(whole_number(1, 100_000)),
            "How many requests a webhook sender has in flight, at most; a client alone gets half of them. Never more "
            "than the limit of open files allows; empty: as many as that, up to 4000.",
        ),
    )
    allow_insecure_webhooks: bool = field(
        default=False,
        metadata=declared(
            SWITCH, "Whether webhooks may go to http addresses and to this machine's own network. For development only."
        ),
    )
    development: bool = field(
        default=False,
        metadata=declared(
            SWITCH, "Whether a refused signature's answer shows the signature base that the server computed."
        ),
    )
    log_level: str = field(
        default="info", metadata=declared(one_of(*LOG_LEVELS), "The least important log lines to write.")
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
    for setting in fields(Settings):
        name, chosen_option = setting.name, options.get(setting.name)
        if chosen_option is not None:
            chosen[name] = read_setting(setting, option(name), str(chosen_option))
        elif variable(name) in environment:
            chosen[name] = read_setting(setting, variable(name), environment[variable(name)])
    settings = Settings(**chosen)
    return replace(settings, venues=tuple(with_variables(choice, environment) for choice in settings.venues))


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that begin like ours and are none: most likely a misspelled name.

    Raises:
        SettingRefused: a value is wrong.
    """
    known = {variable(setting.name) for setting in fields(Settings)}
    for choice in read_settings(environment, {}).venues:
        known.update(variables_of(choice))
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def reference() -> str:
    """The settings as a page of the documentation."""
    return (
        "# Settings\n\n"
        "Each is an environment variable; the commands that offer it as an option (`--data-dir`) prefer the option.\n"
        "A wrong value stops the program with a sentence that names the variable.\n\n"
        f"{_table(_reference_rows(Settings, PREFIX))}\n"
        "## Of a simulated venue\n\n"
        "Each venue of `ORDERLANE_VENUES` has settings of its own, behind its name. These are those of the venue\n"
        "`SIMULATED`; for another simulated venue, put its name in place of that. A venue that another package brings\n"
        "along says itself what its settings are.\n\n"
        f"{_table(_reference_rows(Behaviour, variable_prefix('SIMULATED')))}"
    )


def _table(rows: Iterator[str]) -> str:
    return "\n".join(("| variable | value | default | what it does |\n|---|---|---|---|", *rows)) + "\n"


def _reference_rows(settings: "type[DataclassInstance]", prefix: str) -> Iterator[str]:
    for setting in fields(settings):
        default = "" if setting.default is None else f"`{_written(setting)}`"
        kind, purpose = setting.metadata["kind"], setting.metadata["purpose"]
        yield f"| `{prefix}{setting.name.upper()}` | {kind.expected} | {default} | {purpose} |"


def _written(setting: "Field[Any]") -> str:
    match setting.default:
        case bool(switch):
            return str(switch).lower()
        case (int(least), int(greatest)):
            return f"{least}-{greatest}"
        case tuple(choices):
            return ",".join(map(str, choices))
        case value:
            return str(value)


if __name__ == "__main__":
    sys.stdout.write(reference())
