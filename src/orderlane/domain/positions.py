"""What accounts hold, as it is looked at from outside: the cash of a group, positions, and their last prices."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from orderlane.domain.account import Holding
from orderlane.domain.ids import AccountGroupId, InstrumentId


class GroupCash(Struct, frozen=True, kw_only=True):
    """The cash of each account of an account group; all of it is in `currency`."""

    account_group_id: AccountGroupId
    currency: str
    holdings: Sequence[Holding]


class Position(Struct, frozen=True, kw_only=True):
    """What an account holds of one instrument."""

    holding: Holding
    instrument_id: InstrumentId


class PricedPosition(Struct, frozen=True, kw_only=True):
    """A position with the last price of its instrument, in `currency`."""

    position: Position
    price: Decimal
    currency: str
    price_time: datetime
