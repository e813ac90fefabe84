"""Master data from files: the instruments that come with the service, and those that an operator brings."""

from orderlane.master_data.instruments import (
    InstrumentFileRefused,
    InstrumentLine,
    Problem,
    check_venues,
    read_instruments,
    shipped_instruments,
)

__all__ = [
    "InstrumentFileRefused",
    "InstrumentLine",
    "Problem",
    "check_venues",
    "read_instruments",
    "shipped_instruments",
]
