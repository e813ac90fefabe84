"""A venue inside the process: the embedded default, and the market of every test.

It keeps nothing that matters. What happens to an order follows from the seed and the order alone, so a venue that was
killed and gets the order again trades the very same executions, under the same ids.
"""

from orderlane.ports.venue import VenueContext, VenueKind
from orderlane.venues.simulated.behaviour import Behaviour
from orderlane.venues.simulated.venue import SimulatedVenue

__all__ = ["KIND", "Behaviour", "SimulatedVenue"]


async def _open(behaviour: Behaviour, context: VenueContext) -> SimulatedVenue:
    return SimulatedVenue(behaviour, context.clock, context.name)


KIND = VenueKind(settings=Behaviour, open=_open)
