"""When a trade settles: two business days later, by the calendar of TARGET, the euro's settlement system.

Closing days: 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December (ECB, "TARGET closing days").
"""

from datetime import date, timedelta
from functools import lru_cache

SETTLEMENT_DAYS = 2
_DAY = timedelta(days=1)
_FIXED_CLOSING_DAYS = ((1, 1), (5, 1), (12, 25), (12, 26))


@lru_cache(maxsize=8)
def settlement_date(trade_date: date) -> date:
    """The date on which cash and units change hands."""
    day = trade_date
    for _ in range(SETTLEMENT_DAYS):
        day = _next_business_day(day)
    return day


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher's rule)."""
    century, in_century = divmod(year, 100)
    golden = year % 19
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - moon - in_century % 4) % 7
    correction = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def is_business_day(day: date) -> bool:
    """Whether trades settle on this day."""
    if day.isoweekday() > 5 or (day.month, day.day) in _FIXED_CLOSING_DAYS:
        return False
    from_easter = day - easter_sunday(day.year)
    return from_easter not in (-2 * _DAY, _DAY)


def _next_business_day(day: date) -> date:
    following = day + _DAY
    while not is_business_day(following):
        following += _DAY
    return following
