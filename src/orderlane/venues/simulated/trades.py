"""How an order's amount or units become executions: exact cash, never beyond what the order reserved."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from orderlane.domain.money import (
    QUANTITY_STEP,
    divide,
    multiply,
    quantity_ceiling,
    quantity_floor,
    subtract,
    whole_quotient,
)
from orderlane.domain.order import Side
from orderlane.ports.venue import VenueOrder
from orderlane.resources.formats import CURRENCIES

_WHOLE = Decimal(1)


class Trade(Struct, frozen=True):
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
        parts = _trades(order, prices[:count], weights[:count])
        if all(part.quantity > 0 and part.cash_amount > 0 for part in parts):
            return tuple(parts)
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
    minor_units = portions(currency.to_minor(min(order.cash_amount, order.limit)), weights)
    amounts = [currency.from_minor(units) for units in minor_units]
    return [
        Trade(quantity_floor(divide(amount, price)), amount, price)
        for amount, price in zip(amounts, prices, strict=True)
    ]


def _sell_amount(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> list[Trade]:
    currency = CURRENCIES[order.currency]
    left, parts = order.limit, []
    for minor_units, price in zip(portions(currency.to_minor(order.cash_amount), weights), prices, strict=True):
        amount = currency.from_minor(minor_units)
        quantity = min(quantity_ceiling(divide(amount, price)), left)
        parts.append(Trade(quantity, min(amount, currency.floor(multiply(quantity, price))), price))
        left = subtract(left, quantity)
    return parts


def _by_units(order: VenueOrder, prices: Sequence[Decimal], weights: Sequence[int]) -> list[Trade]:
    currency = CURRENCIES[order.currency]
    step = QUANTITY_STEP if order.fractional else _WHOLE
    quantities = [multiply(step, Decimal(steps)) for steps in portions(_steps(order, prices, step), weights)]
    return [
        Trade(quantity, currency.floor(multiply(quantity, price)), price)
        for quantity, price in zip(quantities, prices, strict=True)
    ]


def _steps(order: VenueOrder, prices: Sequence[Decimal], step: Decimal) -> int:
    """How many steps of units to trade; prices get worse from first to last."""
    if order.side is Side.BUY:
        most = divide(min(order.limit, order.cash_amount or order.limit), prices[-1])
        ordered = order.quantity or most
    else:
        most = order.limit
        ordered = order.quantity or divide(order.cash_amount, prices[0])
    return whole_quotient(min(ordered, most), step)
