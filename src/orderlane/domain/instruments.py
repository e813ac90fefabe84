"""What can be traded, and what the rules need to know of it."""

from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from msgspec import Struct

from orderlane.domain.ids import VenueId
from orderlane.domain.money import quantity_ceiling


class TradingStatus(StrEnum):
    """Whether orders for an instrument are taken."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Venue(Struct, frozen=True):
    """Where orders are executed; `number` names its gateways' locks, `name` is what people call it."""

    id: VenueId
    number: int
    name: str


class Instrument(Struct, frozen=True, kw_only=True):
    """A security by its ISIN (ISO 6166), with its last price and the least amount of an order, both in `currency`.

    `venue` is where it is executed: the one that it names, or the default one.
    """

    isin: str
    name: str
    currency: str
    minimum_amount: Decimal
    fractional: bool
    trading_status: TradingStatus
    price: Decimal
    venue: Venue

    @property
    def is_tradable(self) -> bool:
        """Whether an order may name it."""
        return self.trading_status is TradingStatus.ACTIVE

    @property
    def least_amount(self) -> Decimal:
        """The smallest amount worth sending: its minimum, and one whole unit where fractions are not traded."""
        return self.minimum_amount if self.fractional else max(self.minimum_amount, self.price)

    def round_up(self, units: Decimal) -> Decimal:
        """`units` rounded up to what can be traded: whole ones where fractions are not."""
        return quantity_ceiling(units) if self.fractional else units.to_integral_value(ROUND_CEILING)
