"""How the contract writes times and amounts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from iso4217 import Currency as _Iso4217
from msgspec import Meta

from orderlane.domain.money import Currency

Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
"""An id in an answer: a UUID as canonical text."""

CURRENCIES: Mapping[str, Currency] = {
    listed.code: Currency(listed.code, listed.exponent) for listed in _Iso4217 if listed.exponent is not None
}
"""Every currency of ISO 4217 that has minor units or none, by its code."""


@lru_cache(maxsize=1024)
def write_time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: 2021-07-21T14:10:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def read_time(text: str) -> datetime:
    """The moment that `write_time` wrote."""
    return datetime.fromisoformat(text)


def write_amount(amount: Decimal, currency: str) -> str:
    """An amount with the decimals of its currency: 1000.00."""
    return CURRENCIES[currency].write(amount)
