"""A venue inside the process: the embedded default, and the market of every test.

It keeps nothing that matters. What happens to an order follows from the seed and the order alone, so a venue that was
killed and gets the order again trades the very same executions, under the same ids.
"""

from orderlane.venues.simulated.behaviour import Behaviour
from orderlane.venues.simulated.venue import SimulatedVenue

__all__ = ["Behaviour", "SimulatedVenue"]
