"""Splitting: exact to the minor unit, by largest remainder, whatever the order of the input."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orderlane.domain.splitting import (
    Split,
    largest_remainder,
    shares_above_target,
    shares_below_target,
    shares_of,
    split,
)

ISINS = [f"DE{number:09d}0" for number in range(30)]

isins = st.sampled_from(ISINS)
weights = st.dictionaries(isins, st.decimals("0.0001", 100, places=4), min_size=1, max_size=30)
units = st.one_of(st.integers(1, 200), st.integers(1, 10**7), st.integers(10**15, 10**18))
values = st.dictionaries(isins, st.decimals("0.01", 10**6, places=6), min_size=1, max_size=12)


def shuffled(data: st.DataObject, mapping: dict[str, Any]) -> dict[str, Any]:
    return dict(data.draw(st.permutations(list(mapping.items()))))


@given(units, weights)
def test_the_parts_add_up_to_the_amount(amount: int, given_weights: dict[str, Decimal]) -> None:
    parts = largest_remainder(amount, shares_of(given_weights))

    assert sum(parts.values()) == amount
    assert parts.keys() == given_weights.keys()


@given(units, weights)
def test_every_part_is_its_exact_share_rounded_down_or_up(amount: int, given_weights: dict[str, Decimal]) -> None:
    shares = shares_of(given_weights)
    whole = sum(shares.values())

    for isin, part in largest_remainder(amount, shares).items():
        assert abs(part - amount * shares[isin] / whole) < 1


@given(units, weights)
def test_no_smaller_remainder_gets_a_unit_before_a_larger(amount: int, given_weights: dict[str, Decimal]) -> None:
    shares = shares_of(given_weights)
    whole = sum(shares.values())
    exact = {isin: amount * share / whole for isin, share in shares.items()}
    parts = largest_remainder(amount, shares)
    ranks = {isin: (-(exact[isin] % 1), isin) for isin in parts}
    up = [ranks[isin] for isin in parts if parts[isin] > exact[isin] // 1]
    down = [ranks[isin] for isin in parts if parts[isin] == exact[isin] // 1]

    assert not up or not down or max(up) < min(down)


@given(st.data(), units, weights)
def test_the_order_of_the_input_does_not_matter(
    data: st.DataObject, amount: int, given_weights: dict[str, Decimal]
) -> None:
    least = {isin: data.draw(st.integers(0, 50), isin) for isin in given_weights}

    straight = split(amount, shares_of(given_weights), least)
    mixed = split(amount, shares_of(shuffled(data, given_weights)), shuffled(data, least))

    assert (list(mixed.legs.items()), mixed.left_out) == (list(straight.legs.items()), straight.left_out)


@given(units, weights, st.integers(2, 1000))
def test_only_the_proportions_count(amount: int, given_weights: dict[str, Decimal], factor: int) -> None:
    scaled = {isin: weight * factor for isin, weight in given_weights.items()}

    assert largest_remainder(amount, shares_of(scaled)) == largest_remainder(amount, shares_of(given_weights))


@given(units, weights, st.integers(0, 10**6))
def test_a_split_loses_nothing_and_sends_no_leg_below_its_least(
    amount: int, given_weights: dict[str, Decimal], least_amount: int
) -> None:
    least = dict.fromkeys(given_weights, least_amount)
    result = split(amount, shares_of(given_weights), least)

    assert sum(result.legs.values()) == (amount if result.legs else 0)
    assert all(part >= max(least_amount, 1) for part in result.legs.values())
    assert sorted([*result.legs, *result.left_out]) == sorted(given_weights)


@given(units, weights)
def test_an_amount_that_reaches_some_least_amount_is_never_lost(amount: int, given_weights: dict[str, Decimal]) -> None:
    assert split(amount, shares_of(given_weights), dict.fromkeys(given_weights, amount)).legs


@given(st.data(), units, weights)
def test_what_is_left_out_could_not_have_been_sent(
    data: st.DataObject, amount: int, given_weights: dict[str, Decimal]
) -> None:
    """Each leg left out was below its least amount when all that were left out later still stood."""
    least = {isin: data.draw(st.integers(0, 10**4), isin) for isin in given_weights}
    result = split(amount, shares_of(given_weights), least)

    standing = shares_of(given_weights)
    for isin in result.left_out:
        assert largest_remainder(amount, standing)[isin] < max(least[isin], 1)
        del standing[isin]


def test_a_thousand_euros_over_three_equal_parts() -> None:
    assert largest_remainder(100_000, shares_of({"C": Decimal(1), "A": Decimal(1), "B": Decimal(1)})) == {
        "A": 33_334,
        "B": 33_333,
        "C": 33_333,
    }


def test_the_unit_that_is_left_goes_to_the_largest_remainder_not_to_the_largest_share() -> None:
    # 2.1 and 0.9.
    assert largest_remainder(3, shares_of({"A": Decimal("0.7"), "B": Decimal("0.3")})) == {"A": 2, "B": 1}


def test_ties_go_by_isin() -> None:
    half = shares_of({"B": Decimal("0.5"), "A": Decimal("0.5")})

    assert largest_remainder(1, half) == {"A": 1, "B": 0}


def test_a_hundred_is_as_good_a_whole_as_one() -> None:
    assert largest_remainder(7, shares_of({"A": Decimal(60), "B": Decimal(40)})) == largest_remainder(
        7, shares_of({"A": Decimal("0.6"), "B": Decimal("0.4")})
    )


def test_a_leg_below_its_least_amount_passes_its_amount_on() -> None:
    shares = shares_of({"A": Decimal("0.6"), "B": Decimal("0.3"), "C": Decimal("0.1")})

    assert split(1_000, shares, {"A": 100, "B": 100, "C": 101}) == Split({"A": 667, "B": 333}, ("C",))


def test_legs_are_left_out_one_at_a_time_so_that_the_next_may_still_reach_its_least() -> None:
    shares = shares_of({"A": Decimal("0.25"), "B": Decimal("0.25"), "C": Decimal("0.5")})

    assert split(100, shares, {"A": 30, "B": 30, "C": 1}) == Split({"B": 33, "C": 67}, ("A",))


def test_the_leg_that_misses_its_least_by_the_largest_part_goes_first() -> None:
    shares = shares_of({"A": Decimal("0.3"), "B": Decimal("0.3"), "C": Decimal("0.4")})

    assert split(100, shares, {"A": 40, "B": 300, "C": 1}) == Split({"A": 43, "C": 57}, ("B",))


def test_no_legs_when_nothing_reaches_its_least() -> None:
    assert split(4, shares_of({"A": Decimal(1), "B": Decimal(1)}), {"A": 6, "B": 6}) == Split({}, ("A", "B"))


def test_a_leg_of_no_units_is_never_sent() -> None:
    assert split(1, shares_of({"A": Decimal(1), "B": Decimal(1)}), {"A": 0, "B": 0}) == Split({"A": 1}, ("B",))


@given(values, weights, st.decimals("0.01", 10**6, places=2))
def test_pro_rata_buys_reach_the_target_when_nothing_is_over_it(
    held: dict[str, Decimal], given_weights: dict[str, Decimal], amount: Decimal
) -> None:
    shares = shares_below_target(amount, held, given_weights)
    bought = {isin: Fraction(amount) * share / sum(shares.values()) for isin, share in shares.items()}
    goal = targets(Fraction(sum(held.values())) + Fraction(amount), given_weights)

    assert sum(bought.values()) == Fraction(amount)
    for isin, part in bought.items():
        assert Fraction(held.get(isin, 0)) + part <= goal[isin]
    if not any(Fraction(value) > goal.get(isin, 0) for isin, value in held.items()):
        assert all(Fraction(held.get(isin, 0)) + bought.get(isin, 0) == goal[isin] for isin in goal)


@given(values, weights, st.decimals("0.01", "0.9", places=4))
def test_pro_rata_sells_only_what_is_over_the_target(
    held: dict[str, Decimal], given_weights: dict[str, Decimal], part: Decimal
) -> None:
    amount = sum(held.values()) * part
    assume(amount > 0)
    shares = shares_above_target(amount, held, given_weights)
    sold = {isin: Fraction(amount) * share / sum(shares.values()) for isin, share in shares.items()}
    goal = targets(Fraction(sum(held.values())) - Fraction(amount), given_weights)

    assert sum(sold.values()) == Fraction(amount)
    for isin, out in sold.items():
        assert Fraction(held[isin]) - out >= goal.get(isin, 0)


def targets(whole: Fraction, given_weights: dict[str, Decimal]) -> dict[str, Fraction]:
    total = sum(map(Fraction, given_weights.values()))
    return {isin: whole * Fraction(weight) / total for isin, weight in given_weights.items()}


@pytest.mark.parametrize("amount", [1, 199, 200, 201, 10**12])
def test_two_hundred_instruments_with_one_cent_each_at_least(amount: int) -> None:
    many = {f"DE{number:09d}0": Fraction(1) for number in range(200)}
    result = split(amount, many, dict.fromkeys(many, 1))

    assert sum(result.legs.values()) == amount
    assert len(result.legs) == min(amount, 200)
