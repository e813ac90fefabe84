"""Cancellation reasons in the public API's words."""

import re
from pathlib import Path

import pytest
from msgspec import UNSET

from orderlane.domain.order import OrderCancellationReason
from orderlane.domain.portfolio_order import CancellationReason
from orderlane.resources.reasons import OFFICIAL_ORDER_REASONS, OFFICIAL_REASONS, told_order_reason, told_reason

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cancellation-reasons.md"
PUBLIC = {
    "ACCOUNT_IS_EMPTY",
    "CANCELLED_BY_CLIENT",
    "CANCELLED_BY_UPVEST",
    "PORTFOLIO_IS_BALANCED",
    "SELL_LIMIT_EXCEEDED",
}
PUBLIC_OF_ORDERS = {
    "CANCELLED_BY_CLIENT",
    "CANCELLED_BY_TRADING_PARTNER",
    "CANCELLED_BY_UPVEST_OPERATIONS",
    "CANCELLED_BY_UPVEST_PLATFORM",
}


@pytest.mark.parametrize("reason", CancellationReason)
def test_every_reason_of_a_portfolio_order_has_a_public_one(reason: CancellationReason) -> None:
    told = told_reason(reason, official=True)

    assert told in PUBLIC
    assert told in (reason.value, "CANCELLED_BY_UPVEST"), "it may be kept or made vaguer, never become another claim"
    assert told_reason(reason, official=False) == reason.value


@pytest.mark.parametrize("reason", OrderCancellationReason)
def test_every_reason_of_an_individual_order_has_a_public_one(reason: OrderCancellationReason) -> None:
    told = told_order_reason(reason, official=True)

    assert told in PUBLIC_OF_ORDERS
    assert str(told).replace("_UPVEST", "") == reason.value
    assert told_order_reason(reason, official=False) == reason.value


def test_the_words_of_both_are_taken_once_each() -> None:
    assert set(OFFICIAL_REASONS.values()) == PUBLIC
    assert sorted(OFFICIAL_ORDER_REASONS.values()) == sorted(PUBLIC_OF_ORDERS)


@pytest.mark.parametrize("official", [True, False])
def test_what_is_not_cancelled_has_no_reason(official: bool) -> None:
    assert told_reason(None, official=official) is UNSET
    assert told_order_reason(None, official=official) is UNSET


def test_the_page_has_every_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)

    expected = [*OFFICIAL_REASONS.items(), *OFFICIAL_ORDER_REASONS.items()]
    assert rows == [(reason.value, told) for reason, told in expected]
