"""`instruments` and `venues`: what can be traded, and where."""

from orderlane.domain.ids import VenueId
from orderlane.domain.instruments import Instrument, Venue
from orderlane.postgres.tables.records import Row, record_from


def instrument_from(row: Row) -> Instrument:
    """An instrument from its row, joined with its venue as `venue_id`, `venue_number` and `venue_name`."""
    venue = Venue(VenueId(str(row["venue_id"])), row["venue_number"], row["venue_name"])
    return record_from(row, Instrument, venue=venue)


def venue_from(row: Row) -> Venue:
    """A venue from its row."""
    return record_from(row, Venue)
