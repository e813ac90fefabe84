"""The allocation: which instruments a portfolio is made of, and in what weights."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from orderlane.domain.errors import FieldRefused, WeightsRefused, refuse
from orderlane.domain.ids import AllocationId, ClientId
from orderlane.domain.instruments import Instrument
from orderlane.domain.money import total

MAX_ALLOCATION_INSTRUMENTS = 200
_WHOLES = (Decimal(1), Decimal(100))


class Weight(Struct, frozen=True):
    """One instrument's part of an allocation."""

    isin: str
    weight: Decimal


class Allocation(Struct, frozen=True, kw_only=True):
    """Named target weights of a client; they sum to exactly 1 or exactly 100."""

    id: AllocationId
    client_id: ClientId
    name: str
    weights: tuple[Weight, ...]
    created_at: datetime
    updated_at: datetime


def check_weights(weights: Sequence[Weight]) -> None:
    """See whether weights make an allocation.

    Raises:
        WeightsRefused: a weight is not positive, an instrument stands twice, or the sum is not 1 or 100.
    """
    for refusal in _broken_rules(weights):
        raise refusal


def _broken_rules(weights: Sequence[Weight]) -> Iterator[WeightsRefused]:
    if not 0 < len(weights) <= MAX_ALLOCATION_INSTRUMENTS:
        yield WeightsRefused(f"must name 1 to {MAX_ALLOCATION_INSTRUMENTS} instruments, not {len(weights)}")
    seen: set[str] = set()
    for index, entry in enumerate(weights):
        if entry.weight <= 0:
            yield WeightsRefused(f"weight must be greater than 0, not {entry.weight:f}", index)
        if entry.isin in seen:
            yield WeightsRefused(f"instrument {entry.isin} stands twice", index)
        seen.add(entry.isin)
    whole = total(entry.weight for entry in weights)
    if whole not in _WHOLES:
        yield WeightsRefused(f"weights must sum to exactly 1 or exactly 100, not {whole:f}")


class WeightChoice(Struct, frozen=True):
    """One entry of an allocation as a client asks for it; `instrument_id` is an ISIN or the id of an instrument."""

    instrument_id: str
    weight: Decimal


def composed(choices: Sequence[WeightChoice], instruments: Mapping[str, Instrument], currency: str) -> list[Weight]:
    """The weights of an allocation. `instruments` are those that exist, by what the client named them.

    Raises:
        FieldRefused: an instrument is unknown, not tradable, or not in `currency`, the accounts'; names the entry.
        WeightsRefused: the weights break a rule.
        FieldsRefused: more than one of these.
    """
    weights = [Weight(_isin_of(choice, instruments), choice.weight) for choice in choices]
    refusals: list[FieldRefused | WeightsRefused] = [
        *_unfit_instruments(choices, instruments, currency),
        *_broken_rules(weights),
    ]
    refuse(refusals)
    return weights


def _isin_of(choice: WeightChoice, instruments: Mapping[str, Instrument]) -> str:
    """The ISIN, by which doubles are found; what is unknown stays as it was named."""
    instrument = instruments.get(choice.instrument_id)
    return choice.instrument_id if instrument is None else instrument.isin


def _unfit_instruments(
    choices: Sequence[WeightChoice], instruments: Mapping[str, Instrument], currency: str
) -> Iterator[FieldRefused]:
    for index, choice in enumerate(choices):
        named, field = choice.instrument_id, f"allocation[{index}].instrument_id"
        instrument = instruments.get(named)
        if instrument is None:
            yield FieldRefused(field, f"there is no instrument {named}")
        elif not instrument.is_tradable:
            yield FieldRefused(field, f"instrument {named} is {instrument.trading_status}, not tradable")
        elif instrument.currency != currency:
            yield FieldRefused(field, f"instrument {named} trades in {instrument.currency}, accounts are in {currency}")
