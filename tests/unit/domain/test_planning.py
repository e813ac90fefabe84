"""The planner: what a portfolio order becomes, or why it becomes nothing."""

from decimal import Decimal

import pytest

from orderlane.domain.account import Distribution, Holding
from orderlane.domain.instruments import Instrument, TradingStatus
from orderlane.domain.money import Currency
from orderlane.domain.order import Side
from orderlane.domain.planning import Plan, PlanInput, PlanRefused, plan
from orderlane.domain.portfolio_order import CancellationReason as Reason
from tests.unit.domain.worlds import (
    APPLE,
    EUR,
    JPY,
    KWD,
    SAP,
    WORLD,
    allocation,
    cash,
    instrument,
    market,
    position,
)


def planned(
    side: Side,
    amount: str | Decimal,
    *holdings: Holding,
    weights: dict[str, str] | None = None,
    instruments: tuple[Instrument, ...] = (instrument(WORLD, "10"), instrument(SAP, "100")),
    distribution: Distribution = Distribution.DEFAULT,
    currency: Currency = EUR,
) -> Plan:
    return plan(
        PlanInput(
            side=side,
            amount=Decimal(amount),
            currency=currency,
            distribution=distribution,
            allocation=allocation(weights or {WORLD: "0.6", SAP: "0.4"}),
            holdings={held.asset: held for held in holdings},
            instruments=market(*instruments),
        )
    )


def refused(side: Side, amount: str, *holdings: Holding, **more: object) -> tuple[Reason, str]:
    with pytest.raises(PlanRefused) as refusal:
        planned(side, amount, *holdings, **more)
    return refusal.value.reason, refusal.value.details


def amounts(of: Plan) -> dict[str, str]:
    return {leg.isin: str(leg.amount) for leg in of.legs}


# BUY ----------------------------------------------------------------------------------------------------------------


def test_a_buy_follows_the_weights_and_reserves_its_cash() -> None:
    buy = planned(Side.BUY, "1000", cash("1000"))

    assert amounts(buy) == {SAP: "400.00", WORLD: "600.00"}
    assert all(leg.reserve == leg.amount for leg in buy.legs)
    assert (buy.side, buy.left_out) == (Side.BUY, ())


def test_legs_stand_in_the_order_of_their_isins() -> None:
    assert [leg.isin for leg in planned(Side.BUY, "1000", cash("1000")).legs] == [SAP, WORLD]


def test_weights_may_sum_to_a_hundred() -> None:
    assert planned(Side.BUY, "999.99", cash("1000"), weights={WORLD: "60", SAP: "40"}) == planned(
        Side.BUY, "999.99", cash("1000")
    )


@pytest.mark.parametrize(
    ("currency", "amount", "weights", "expected"),
    [
        (JPY, "1000", ("0.333", "0.333", "0.334"), ("333", "333", "334")),
        (JPY, "100", ("0.333", "0.333", "0.334"), ("33", "33", "34")),
        (KWD, "0.1", ("0.333", "0.334", "0.333"), ("0.033", "0.034", "0.033")),
        (EUR, "0.05", ("0.36", "0.28", "0.36"), ("0.02", "0.01", "0.02")),
    ],
)
def test_the_decimals_of_the_currency_count(
    currency: Currency, amount: str, weights: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    isins = (SAP, WORLD, APPLE)
    buy = planned(
        Side.BUY,
        amount,
        cash(amount, currency.code),
        weights=dict(zip(isins, weights, strict=True)),
        instruments=tuple(instrument(isin, currency=currency.code, minimum="0") for isin in isins),
        currency=currency,
    )

    assert amounts(buy) == dict(zip(isins, expected, strict=True))


def test_cash_that_open_orders_have_locked_is_not_there() -> None:
    assert planned(Side.BUY, "600", cash("1000", locked="400")).legs
    assert refused(Side.BUY, "600.01", cash("1000", locked="400")) == (
        Reason.INSUFFICIENT_FUNDS,
        "600.01 EUR needed, 600.00 EUR available for trading",
    )


def test_what_is_owed_counts_as_there_for_a_buy() -> None:
    assert planned(Side.BUY, "600", cash("500", owed="100")).legs
    assert refused(Side.BUY, "600.01", cash("500", owed="100")) == (
        Reason.INSUFFICIENT_FUNDS,
        "600.01 EUR needed, 600.00 EUR available for trading",
    )


def test_an_account_that_never_had_cash_has_none() -> None:
    assert refused(Side.BUY, "10") == (
        Reason.INSUFFICIENT_FUNDS,
        "10.00 EUR needed, 0.00 EUR available for trading",
    )


def test_a_leg_too_small_to_send_passes_its_amount_on_and_is_named() -> None:
    traded = (instrument(WORLD, "10", minimum="1"), instrument(SAP, "100", minimum="50"))
    buy = planned(Side.BUY, "100", cash("100"), instruments=traded)

    assert amounts(buy) == {WORLD: "100.00"}
    assert buy.left_out == (SAP,)


def test_where_fractions_are_not_traded_a_leg_must_reach_one_unit() -> None:
    traded = (instrument(WORLD, "10"), instrument(SAP, "400.01", fractional=False))

    assert amounts(planned(Side.BUY, "1000", cash("1000"), instruments=traded)) == {WORLD: "1000.00"}
    assert len(planned(Side.BUY, "1000.03", cash("1001"), instruments=traded).legs) == 2


def test_a_least_amount_between_two_minor_units_counts_as_the_upper() -> None:
    traded = (instrument(WORLD, "10", minimum="0.001"), instrument(SAP, "100", minimum="40.001"))

    assert planned(Side.BUY, "100", cash("100"), instruments=traded).left_out == (SAP,)
    assert planned(Side.BUY, "100.02", cash("101"), instruments=traded).left_out == ()


def test_an_amount_too_small_for_every_instrument_is_refused_with_the_least() -> None:
    traded = (instrument(WORLD, minimum="25"), instrument(SAP, minimum="30"))

    assert refused(Side.BUY, "24.99", cash("100"), instruments=traded) == (
        Reason.AMOUNT_TOO_SMALL,
        "24.99 EUR is below the least amount of every instrument (25.00 EUR at least)",
    )


@pytest.mark.parametrize("side", Side)
def test_an_inactive_instrument_is_refused_by_name(side: Side) -> None:
    traded = (instrument(WORLD), instrument(SAP, status=TradingStatus.INACTIVE))

    assert refused(side, "10", cash("100"), position(SAP, "9"), position(WORLD, "9"), instruments=traded) == (
        Reason.INSTRUMENT_NOT_TRADABLE,
        f"instrument {SAP} is INACTIVE",
    )


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("distribution", Distribution)
def test_an_unknown_instrument_is_refused_by_name(side: Side, distribution: Distribution) -> None:
    held = (cash("100"), position(SAP, "9"), position(WORLD, "9"))

    assert refused(side, "10", *held, instruments=(instrument(WORLD),), distribution=distribution) == (
        Reason.INSTRUMENT_NOT_TRADABLE,
        f"instrument {SAP} is unknown",
    )


def test_a_position_beside_the_allocation_must_be_known_to_be_valued() -> None:
    assert refused(Side.BUY, "10", cash("100"), position(APPLE, "1"), distribution=Distribution.PRO_RATA) == (
        Reason.INSTRUMENT_NOT_TRADABLE,
        f"instrument {APPLE} is unknown",
    )


def test_an_instrument_in_another_currency_is_refused() -> None:
    traded = (instrument(WORLD), instrument(SAP, currency="JPY"))

    assert refused(Side.BUY, "10", cash("100"), instruments=traded) == (
        Reason.INSTRUMENT_NOT_TRADABLE,
        f"instrument {SAP} trades in JPY, the portfolio order is in EUR",
    )


def test_pro_rata_buys_what_is_under_target_only() -> None:
    # 60/40 of 1,100 is 660/440: the ETF stands at 700 already.
    held = (cash("100"), position(WORLD, "70"), position(SAP, "3"))

    assert amounts(planned(Side.BUY, "100", *held, distribution=Distribution.PRO_RATA)) == {SAP: "100.00"}


def test_pro_rata_closes_every_gap_when_it_can() -> None:
    # 60/40 of 1,000 is 600/400.
    held = (cash("300"), position(WORLD, "50"), position(SAP, "2"))

    assert amounts(planned(Side.BUY, "300", *held, distribution=Distribution.PRO_RATA)) == {
        WORLD: "100.00",
        SAP: "200.00",
    }


def test_pro_rata_on_an_empty_account_follows_the_weights() -> None:
    assert planned(Side.BUY, "1000", cash("1000"), distribution=Distribution.PRO_RATA) == planned(
        Side.BUY, "1000", cash("1000")
    )


# SELL ---------------------------------------------------------------------------------------------------------------


def test_a_sell_follows_the_values_of_the_positions_not_the_weights() -> None:
    # 200 EUR and 800 EUR.
    sell = planned(Side.SELL, "100", position(WORLD, "20"), position(SAP, "8"))

    assert amounts(sell) == {SAP: "80.00", WORLD: "20.00"}


def test_a_sell_reserves_units_with_room_for_a_falling_price() -> None:
    sell = planned(Side.SELL, "90", position(WORLD, "100"))

    assert [(leg.amount, leg.reserve) for leg in sell.legs] == [(Decimal("90.00"), Decimal(10))]


def test_a_reserve_is_rounded_up_to_the_finest_quantity() -> None:
    (leg,) = planned(Side.SELL, "1", position(WORLD, "100"), instruments=(instrument(WORLD, "7"),)).legs

    assert leg.reserve == Decimal("0.1587301588")


def test_a_reserve_is_whole_units_where_fractions_are_not_traded() -> None:
    traded = (instrument(WORLD, "10", fractional=False),)
    (leg,) = planned(Side.SELL, "25", position(WORLD, "100"), instruments=traded).legs

    assert leg.reserve == Decimal(3)


def test_a_reserve_never_exceeds_what_is_available() -> None:
    held = (position(WORLD, "20", locked="10"),)
    (leg,) = planned(Side.SELL, "90", *held, instruments=(instrument(WORLD, "10"),)).legs

    assert leg.reserve == Decimal(10)


def test_ninety_percent_of_the_value_is_the_most() -> None:
    held = (position(WORLD, "20"), position(SAP, "8"))

    assert sum(leg.amount for leg in planned(Side.SELL, "900", *held).legs) == 900
    assert refused(Side.SELL, "900.01", *held) == (
        Reason.SELL_LIMIT_EXCEEDED,
        "900.01 EUR is more than 90 % of the value of the positions available for trading, 1000.00 EUR",
    )


def test_the_limit_is_exact_where_the_value_is_no_whole_cent() -> None:
    # 90 % of 33.333 is 29.9997.
    held = (position(WORLD, "3.3333"),)

    assert planned(Side.SELL, "29.99", *held).legs
    assert refused(Side.SELL, "30.00", *held)[0] is Reason.SELL_LIMIT_EXCEEDED


def test_units_locked_by_another_sell_count_for_nothing() -> None:
    held = (position(WORLD, "20", locked="10"), position(SAP, "8", locked="8"))

    assert amounts(planned(Side.SELL, "90", *held)) == {WORLD: "90.00"}
    assert refused(Side.SELL, "90.01", *held)[0] is Reason.SELL_LIMIT_EXCEEDED


def test_units_that_are_owed_count_as_there_for_a_sell() -> None:
    sell = planned(Side.SELL, "90", position(WORLD, "-2", owed="12"))

    assert [(leg.amount, leg.reserve) for leg in sell.legs] == [(Decimal("90.00"), Decimal(10))]


@pytest.mark.parametrize("held", [(), (cash("1000"),), (position(WORLD, "0"),), (position(WORLD, "5", locked="5"),)])
def test_nothing_to_sell(held: tuple[Holding, ...]) -> None:
    assert refused(Side.SELL, "10", *held) == (
        Reason.ACCOUNT_IS_EMPTY,
        "the account has no position with units available for trading",
    )


def test_a_sell_too_small_for_every_position() -> None:
    assert refused(Side.SELL, "0.99", position(WORLD, "20"))[0] is Reason.AMOUNT_TOO_SMALL


def test_pro_rata_sells_what_is_over_target_only() -> None:
    # 60/40 of 900 is 540/360: the ETF is 160 over, the share 60 under.
    held = (position(WORLD, "70"), position(SAP, "3"))

    assert amounts(planned(Side.SELL, "100", *held, distribution=Distribution.PRO_RATA)) == {WORLD: "100.00"}


def test_pro_rata_sells_a_position_beside_the_allocation_altogether() -> None:
    traded = (instrument(WORLD, "10"), instrument(SAP, "100"), instrument(APPLE, "10"))
    held = (position(WORLD, "60"), position(SAP, "4"), position(APPLE, "10.0003"))

    sell = planned(Side.SELL, "100.01", *held, instruments=traded, distribution=Distribution.PRO_RATA)

    # The cent that is more than its 100.003 EUR is the rounding of the split.
    assert [(leg.isin, leg.amount, leg.reserve) for leg in sell.legs] == [
        (APPLE, Decimal("100.01"), Decimal("10.0003"))
    ]


def test_what_is_left_out_is_never_made_up_for_by_selling_more_than_a_position_holds() -> None:
    # The share cannot be sold in part, so the ETF would have to bring 1,300 EUR of its 1,000.
    traded = (instrument(WORLD, "10"), instrument(SAP, "500", fractional=False))

    assert refused(Side.SELL, "1300", position(WORLD, "100"), position(SAP, "1"), instruments=traded) == (
        Reason.SELL_LIMIT_EXCEEDED,
        f"1300.00 EUR of {WORLD} would have to be sold, 1000.00 EUR are available for trading "
        f"(too small to send: {SAP})",
    )


def test_a_position_is_sold_to_its_last_cent_and_not_one_cent_further() -> None:
    traded = (instrument(WORLD, "10"), instrument(SAP, "500", fractional=False))
    held = (position(WORLD, "100"), position(SAP, "1"))
    whole = planned(Side.SELL, "1000.00", *held, instruments=traded)

    assert [(leg.isin, leg.amount, leg.reserve) for leg in whole.legs] == [(WORLD, Decimal(1000), Decimal(100))]
    assert refused(Side.SELL, "1000.01", *held, instruments=traded)[0] is Reason.SELL_LIMIT_EXCEEDED
