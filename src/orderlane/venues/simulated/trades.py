"""How an order's amount or units become executions: exact cash, never beyond what the order reserved."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from orderlane.domain.money import QUANTITY_DECIMALS, divide, multiply, quantity_ceiling, quantity_floor
from orderlane.domain.order import Side
from orderlane.ports.venue import VenueOrder
from orderlane.resources.formats import CURRENCIES

_FINEST = Decimal(1).scaleb(-QUANTITY_DECIMALS)
_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution to be: `quantity` units at `price` for `cash_amount`, exact in minor units."""

    quantity: Decimal
    cash_amount: Decimal
    price: Decimal


def trades(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> tuple[Trade, ...]:
    """Trade the order in as many executions as there are prices, in sizes by `weights`; in one if a part were nothing.

    An amount in fractions is traded to the cent, in whole units as far as it goes; a quantity as far as the reservation
    goes. Empty when not even one execution is possible.
    """
    for count in (len(prices), 1):
        found = _trades(order, prices[:count], weights[:count])
        if all(one.quantity > 0 and one.cash_amount > 0 for one in found):
            return tuple(found)
    return ()


def portions(total: int, weights: Sequence[int]) -> list[int]:
    """`total` cut in proportion to `weights`, exactly."""
    whole, used, parts = sum(weights), 0, []
    for number in range(1, len(weights) + 1):
        bound = total * sum(weights[:number]) // whole
        parts.append(bound - used)
        used = bound
    return parts


def _trades(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> list[Trade]:
    if not order.fractional or order.quantity:
        return _by_units(order, prices, weights)
    if order.side is Side.BUY:
        return _buy_amount(order, prices, weights)
    return _sell_amount(order, prices, weights)


def _buy_amount(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> list[Trade]:
    currency = CURRENCIES[order.currency]
    parts = portions(currency.to_minor(min(order.cash_amount, order.limit)), weights)
    amounts = [currency.from_minor(part) for part in parts]
    return [
        Trade(quantity_floor(divide(amount, price)), amount, price)
        for amount, price in zip(amounts, prices, strict=True)
    ]


def _sell_amount(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> list[Trade]:
    currency = CURRENCIES[order.currency]
    left, found = order.limit, []
    for part, price in zip(portions(currency.to_minor(order.cash_amount), weights), prices, strict=True):
        amount = currency.from_minor(part)
        quantity = min(quantity_ceiling(divide(amount, price)), left)
        found.append(Trade(quantity, min(amount, currency.floor(multiply(quantity, price))), price))
        left -= quantity
    return found


def _by_units(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> list[Trade]:
    currency = CURRENCIES[order.currency]
    step = _FINEST if order.fractional else _WHOLE
    quantities = [step * part for part in portions(_units(order, prices, step), weights)]
    return [
        Trade(quantity, currency.floor(multiply(quantity, price)), price)
        for quantity, price in zip(quantities, prices, strict=True)
    ]


def _units(order: VenueOrder, prices: Sequence[Decimal], step: Decimal) -> int:
    """How many steps of units to trade; prices get worse from first to last."""
    if order.side is Side.BUY:
        most = divide(min(order.limit, order.cash_amount or order.limit), prices[-1])
        wanted = order.quantity or most
    else:
        most = order.limit
        wanted = order.quantity or divide(order.cash_amount, prices[0])
    return int(divide(min(wanted, most), step).to_integral_value(ROUND_DOWN))
