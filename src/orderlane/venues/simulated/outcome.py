"""What becomes of an order: a pure function of the seed and the order, so that it is the same whenever it is asked."""

from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import blake2b
from struct import unpack

from msgspec import Struct

from orderlane.domain.ids import OrderId
from orderlane.domain.money import add, divide, multiply, total
from orderlane.domain.order import Side
from orderlane.ports.venue import VenueOrder
from orderlane.venues.simulated.behaviour import Behaviour
from orderlane.venues.simulated.trades import Trade, trades

EXECUTIONS_MAX = 4
TICK = Decimal("0.0001")
"""The step of prices, in the instrument's currency."""

_DRAWS = ">16I"
_DRAW_BITS = 32
_HUNDRED_THOUSANDTHS_PER_BP = 10
_WHOLE = 100_000


class Fill(Struct, frozen=True):
    """A trade, so many seconds after the venue got the order."""

    after_seconds: float
    trade: Trade


class Outcome(Struct, frozen=True, kw_only=True):
    """An order's fate: refused with a reason, or acknowledged and filled; `is_short` when units remain unfilled."""

    refusal: str | None = None
    ack_after_seconds: float = 0.0
    fills: tuple[Fill, ...] = ()
    is_short: bool = False

    @property
    def total_quantity(self) -> Decimal:
        """The units of all fills."""
        return total(fill.trade.quantity for fill in self.fills)


def outcome_of(order: VenueOrder, behaviour: Behaviour) -> Outcome:
    """The fate of an order."""
    drawn = _draw(behaviour.seed, order.order_id)
    if _between(drawn[0], 0, 99) < behaviour.refuse_percent:
        return Outcome(refusal="the market is not taking this order")
    count = _between(drawn[2], 2, EXECUTIONS_MAX) if _between(drawn[1], 0, 99) < behaviour.split_percent else 1
    prices = _prices(order, behaviour, drawn[3], count)
    parts = trades(order, prices, [1 + number % 100 for number in drawn[4 : 4 + count]])
    if not parts:
        return Outcome(refusal=f"{order.cash_amount or order.quantity} buys or sells nothing that can be traded")
    ack = _seconds(drawn[8], *behaviour.ack_ms)
    waits = sorted(_seconds(number, *behaviour.fill_ms) for number in drawn[9 : 9 + len(parts)])
    fills = tuple(Fill(ack + wait, trade) for wait, trade in zip(waits, parts, strict=True))
    is_short = total(trade.quantity for trade in parts) < order.quantity
    return Outcome(ack_after_seconds=ack, fills=fills, is_short=is_short)


def _prices(order: VenueOrder, behaviour: Behaviour, drawn: int, count: int) -> list[Decimal]:
    """A BUY trades at the ask and upwards, a SELL at the bid and downwards: one tick for each execution."""
    most = behaviour.deviation_bp_max * _HUNDRED_THOUSANDTHS_PER_BP
    half_spread = behaviour.spread_bp * _HUNDRED_THOUSANDTHS_PER_BP // 2
    direction = 1 if order.side is Side.BUY else -1
    factor = divide(Decimal(_WHOLE + _between(drawn, -most, most) + direction * half_spread), Decimal(_WHOLE))
    ticks = divide(multiply(order.reference_price, factor), TICK).to_integral_value(ROUND_HALF_EVEN)
    return [max(multiply(add(ticks, Decimal(direction * step)), TICK), TICK) for step in range(count)]


def _draw(seed: int, order_id: OrderId) -> tuple[int, ...]:
    """Sixteen numbers of 32 bits that nobody can tell from random ones, always the same for an order."""
    return unpack(_DRAWS, blake2b(order_id.encode(), key=seed.to_bytes(8, "big", signed=True)).digest())


def _between(drawn: int, low: int, high: int) -> int:
    return low + (drawn * (high - low + 1) >> _DRAW_BITS)


def _seconds(drawn: int, ms_min: int, ms_max: int) -> float:
    return _between(drawn, ms_min * 1000, ms_max * 1000) / 1_000_000
