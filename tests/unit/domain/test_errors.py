"""Every refusal says in one sentence what was refused, with the data of it."""

import inspect
from collections.abc import Iterator
from decimal import Decimal

import pytest

from orderlane.domain import errors
from orderlane.domain.errors import (
    DomainError,
    ExecutionConflict,
    ExecutionImpossible,
    FieldRefused,
    FieldsRefused,
    HoldingOverdrawn,
    OverExecuted,
    StateRefused,
    TooManyLegs,
    TransitionRefused,
    UnknownOrder,
    UnknownParentOrder,
    WaveRefused,
    WeightsRefused,
)

SENTENCES: list[tuple[DomainError, str]] = [
    (TransitionRefused("execution", "SETTLED", "FILLED"), "execution has no transition from SETTLED to FILLED"),
    (TransitionRefused("execution", None, "SETTLED"), "execution has no transition from nothing to SETTLED"),
    (UnknownOrder("o-1", "a-1"), "account a-1 has no individual order o-1"),
    (UnknownParentOrder("p-1", "a-1"), "account a-1 has no parent order p-1"),
    (
        HoldingOverdrawn("a-1", "EUR", Decimal("-1.50"), Decimal(0), Decimal(2)),
        "account a-1 would hold -1.50 EUR with 0 locked and 2 pending settlement",
    ),
    (OverExecuted("o-1", Decimal(3), Decimal(4)), "individual order o-1 allows 3, the venue executed 4"),
    (
        ExecutionConflict("o-1", "X"),
        "execution X of individual order o-1 came a second time with other figures",
    ),
    (
        ExecutionImpossible("o-1", "execution X", "price", Decimal("1E-21"), "above 0"),
        "price 1E-21 in execution X of individual order o-1 must be above 0",
    ),
    (TooManyLegs("p-1", 4096), "parent order p-1 would have 4096 individual orders"),
    (WaveRefused("p-1", 2, 0), "parent order p-1 takes no wave of 0 individual orders after 2 waves"),
    (WeightsRefused("weights must sum to exactly 1"), "weights must sum to exactly 1"),
    (FieldRefused("currency", "must be EUR"), "currency must be EUR"),
    (FieldsRefused([FieldRefused("a", "is no"), WeightsRefused("b is no")]), "a is no; b is no"),
    (StateRefused("the account is CLOSED"), "the account is CLOSED"),
]


def refusals() -> Iterator[type[DomainError]]:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, DomainError) and kind is not DomainError:
            yield kind


@pytest.mark.parametrize(("refusal", "sentence"), SENTENCES, ids=lambda value: type(value).__name__)
def test_a_refusal_says_what_was_refused(refusal: DomainError, sentence: str) -> None:
    assert str(refusal) == sentence


def test_every_refusal_is_tested_here() -> None:
    assert {type(refusal) for refusal, _ in SENTENCES} == set(refusals())


@pytest.mark.parametrize("refusal", [refusal for refusal, _ in SENTENCES], ids=lambda value: type(value).__name__)
def test_a_refusal_keeps_its_data_when_it_is_made_again(refusal: DomainError) -> None:
    """A traceback, a log or another process may rebuild it from its arguments."""
    again = type(refusal)(*refusal.args)

    assert (again.__dict__, str(again)) == (refusal.__dict__, str(refusal))


def test_a_refusal_without_words_of_its_own_says_what_its_kind_means() -> None:
    class MarketClosed(DomainError):
        """The market is closed."""

    assert str(MarketClosed()) == "The market is closed."


def test_a_refusal_without_any_words_says_its_name() -> None:
    unnamed = type("MarketClosed", (DomainError,), {"__doc__": None})

    assert str(unnamed()) == "MarketClosed"
