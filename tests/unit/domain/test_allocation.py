"""Weights are positive, name an instrument once, and sum to exactly 1 or exactly 100."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderlane.domain.allocation import MAX_ALLOCATION_INSTRUMENTS, Weight, WeightChoice, check_weights, composed
from orderlane.domain.errors import FieldRefused, FieldsRefused, WeightsRefused
from orderlane.domain.instruments import TradingStatus
from tests.unit.domain.worlds import APPLE, SAP, WORLD, instrument, numbered_id


def weights(*numbers: str) -> list[Weight]:
    return [Weight(f"DE{place:09d}0", Decimal(number)) for place, number in enumerate(numbers)]


@pytest.mark.parametrize(
    "numbers",
    [
        ["1"],
        ["100"],
        ["0.6", "0.4"],
        ["60", "40"],
        ["33.34", "33.33", "33.33"],
        ["0.0000000000000000000000000000000000000001", "0.9999999999999999999999999999999999999999"],
    ],
)
def test_weights_that_sum_to_one_or_a_hundred_pass(numbers: list[str]) -> None:
    check_weights(weights(*numbers))


@pytest.mark.parametrize(
    ("numbers", "total"),
    [
        (["0.6", "0.39"], "0.99"),
        (["0.6", "0.41"], "1.01"),
        (["60", "39.99"], "99.99"),
        (["50"], "50"),
        (["0.3333", "0.3333", "0.3333"], "0.9999"),
        (
            ["0.6", "0.4000000000000000000000000000000000000001"],
            "1.0000000000000000000000000000000000000001",
        ),
    ],
)
def test_any_other_sum_is_refused_and_told(numbers: list[str], total: str) -> None:
    with pytest.raises(WeightsRefused, match=f"exactly 1 or exactly 100, not {total}$") as refused:
        check_weights(weights(*numbers))
    assert refused.value.index is None


@pytest.mark.parametrize("number", ["0", "-0.5"])
def test_a_weight_that_is_not_positive_is_refused_at_its_place(number: str) -> None:
    with pytest.raises(WeightsRefused, match="greater than 0") as refused:
        check_weights(weights("1", number))
    assert refused.value.index == 1


def test_an_instrument_stands_once() -> None:
    with pytest.raises(WeightsRefused, match="DE0000000000 stands twice") as refused:
        check_weights([*weights("0.5"), *weights("0.5")])
    assert refused.value.index == 1


def test_an_allocation_names_between_one_and_two_hundred_instruments() -> None:
    check_weights(weights(*["0.5"] * MAX_ALLOCATION_INSTRUMENTS))
    with pytest.raises(WeightsRefused, match="1 to 200 instruments, not 0"):
        check_weights([])
    with pytest.raises(WeightsRefused, match="1 to 200 instruments, not 201"):
        check_weights(weights(*["0.5"] * (MAX_ALLOCATION_INSTRUMENTS + 1)))


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=50), st.sampled_from([1, 100]))
def test_whatever_adds_up_passes(parts: list[int], whole: int) -> None:
    scale = Decimal("1E-9")
    numbers = [scale * part for part in parts]

    check_weights(weights(*map(str, [*numbers, whole - sum(numbers)])))


# As a client asks for it

TRADED = {
    WORLD: instrument(WORLD),
    SAP: instrument(SAP),
    numbered_id(60): instrument(SAP),
    APPLE: instrument(APPLE, status=TradingStatus.INACTIVE),
    "JP3633400001": instrument("JP3633400001", currency="JPY"),
}


def test_an_instrument_is_named_by_its_isin_or_its_id() -> None:
    by_isin = [WeightChoice(WORLD, Decimal("0.6")), WeightChoice(SAP, Decimal("0.4"))]
    by_id = [WeightChoice(WORLD, Decimal("0.6")), WeightChoice(numbered_id(60), Decimal("0.4"))]

    assert composed(by_isin, TRADED, "EUR") == composed(by_id, TRADED, "EUR")
    assert composed(by_isin, TRADED, "EUR") == [Weight(WORLD, Decimal("0.6")), Weight(SAP, Decimal("0.4"))]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("DE0000000000", "there is no instrument DE0000000000"),
        (APPLE, f"instrument {APPLE} is INACTIVE, not tradable"),
        ("JP3633400001", "instrument JP3633400001 trades in JPY, accounts are in EUR"),
    ],
)
def test_an_instrument_that_cannot_be_ordered_is_refused_at_its_place(named: str, message: str) -> None:
    choices = [WeightChoice(WORLD, Decimal("0.6")), WeightChoice(named, Decimal("0.4"))]

    with pytest.raises(FieldRefused) as refused:
        composed(choices, TRADED, "EUR")
    assert (refused.value.field, refused.value.message) == ("allocation[1].instrument_id", message)


def test_the_weights_that_a_client_asks_for_are_checked() -> None:
    with pytest.raises(WeightsRefused, match=r"exactly 100, not 0\.9$"):
        composed([WeightChoice(WORLD, Decimal("0.9"))], TRADED, "EUR")


def test_all_that_is_wrong_is_told_together() -> None:
    choices = [
        WeightChoice(WORLD, Decimal("0.5")),
        WeightChoice("DE0000000000", Decimal("0.2")),
        WeightChoice(APPLE, Decimal(0)),
        WeightChoice(WORLD, Decimal("0.2")),
    ]

    with pytest.raises(FieldsRefused) as refused:
        composed(choices, TRADED, "EUR")
    assert str(refused.value).split("; ") == [
        "allocation[1].instrument_id there is no instrument DE0000000000",
        f"allocation[2].instrument_id instrument {APPLE} is INACTIVE, not tradable",
        "weight must be greater than 0, not 0",
        f"instrument {WORLD} stands twice",
        "weights must sum to exactly 1 or exactly 100, not 0.9",
    ]


def test_an_instrument_named_by_isin_and_by_id_stands_twice() -> None:
    twice = [WeightChoice(SAP, Decimal("0.6")), WeightChoice(numbered_id(60), Decimal("0.4"))]

    with pytest.raises(WeightsRefused, match=f"{SAP} stands twice") as refused:
        composed(twice, TRADED, "EUR")
    assert refused.value.index == 1
