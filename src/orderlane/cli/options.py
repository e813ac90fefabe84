"""Options that commands share, and the settings that follow from them."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from orderlane.settings import Settings, read_settings

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object a line.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where the data is."""

    data_dir: Annotated[
        Path | None,
        Parameter(help="The folder of the embedded PostgreSQL, or of the running service. [env: ORDERLANE_DATA_DIR]"),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RoleOptions(DataOptions):
    """What every long-running program may be told."""

    log_level: Annotated[
        str | None, Parameter(help="The least important log lines to write. [env: ORDERLANE_LOG_LEVEL]")
    ] = None
    stop_with_stdin: Annotated[
        bool, Parameter(help="Stop when the standard input ends: with the program that started this one.", negative="")
    ] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GatewayOptions(RoleOptions):
    """What whoever serves venues may be told."""

    venue: Annotated[
        str | None, Parameter(help="Serve this venue alone, one of ORDERLANE_VENUES; otherwise all of them.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SenderOptions(RoleOptions):
    """What whoever sends webhooks may be told."""

    allow_insecure_webhooks: Annotated[
        bool | None,
        Parameter(help="Let webhooks go to http and loopback addresses, for development.", negative=""),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ApiOptions(SenderOptions):
    """What whoever serves the API may be told."""

    host: Annotated[str | None, Parameter(help="Where to listen. [env: ORDERLANE_HOST]")] = None
    port: Annotated[int | None, Parameter(help="The port; 0 takes any free one. [env: ORDERLANE_PORT]")] = None
    development: Annotated[
        bool | None,
        Parameter(help="Show integrators the signature base that the server computed.", negative=""),
    ] = None


def settings_from(options: DataOptions | None) -> Settings:
    """The settings of the environment, overridden by the options. Raises SettingRefused."""
    return read_settings(os.environ, asdict(options or DataOptions()))
