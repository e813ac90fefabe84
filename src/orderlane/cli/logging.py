"""The log: JSON lines on standard error, those of the libraries included."""

import logging
import sys

import msgspec
import structlog
from structlog.typing import Processor

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def _serialize(line: object, **_: object) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()


def set_up(level: str) -> None:
    """Write what is at least as important as `level`: debug, info, warning or error."""
    least = logging.getLevelNamesMapping()[level.upper()]
    render = structlog.processors.JSONRenderer(_serialize)
    structlog.configure(
        processors=[*SHARED, render],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)
