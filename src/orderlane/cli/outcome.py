"""How a command ends: done, or refused with a sentence on standard error; a user's mistake never shows a traceback."""

import os
import sys
from collections.abc import Coroutine
from typing import NoReturn

import uvloop

from orderlane.bootstrap.database import DATABASE_REFUSALS
from orderlane.bootstrap.descriptors import TooFewDescriptors
from orderlane.http_signatures import KeyRefused
from orderlane.ports.errors import PortError, StoreUnavailable
from orderlane.settings import SettingRefused

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


class CommandRefused(Exception):
    """A command can't do what it was asked to: the message says why, and what would help."""


REFUSALS = (CommandRefused, SettingRefused, TooFewDescriptors, *DATABASE_REFUSALS, KeyRefused, PortError)


def complete(command: Coroutine[None, None, int | None]) -> NoReturn:
    """Run a command to its end and leave the program: 0, what the command returns, or 1 and a sentence."""
    try:
        code = uvloop.run(_alone(command)) or 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = _reader_gone()
    except REFUSALS as refusal:
        code = refuse(refusal)
    sys.exit(code)


def _reader_gone() -> int:
    """Nobody reads any more (`orderlane … | head`): leave without writing what is still buffered."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


async def _alone(command: Coroutine[None, None, int | None]) -> int | None:
    """Of several errors at once, the first counts."""
    try:
        return await command
    except BaseExceptionGroup as group:
        raise _first_of(group) from group


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def refuse(refusal: BaseException) -> int:
    """Say why, and what exit code that is."""
    lead = "the database is not available: " if isinstance(refusal, StoreUnavailable) else ""
    sys.stderr.write(f"orderlane: {lead}{refusal}\n")
    return WRONG_USE if isinstance(refusal, SettingRefused) else FAILED
