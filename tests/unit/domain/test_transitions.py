"""The three state machines: what is in the tables happens, nothing else."""

from collections.abc import Iterator

import pytest

from orderlane.domain.errors import TransitionRefused
from orderlane.domain.order import EXECUTION_TRANSITIONS, ORDER_TRANSITIONS
from orderlane.domain.portfolio_order import PORTFOLIO_ORDER_TRANSITIONS
from orderlane.domain.transitions import TransitionTable

TABLES = (PORTFOLIO_ORDER_TRANSITIONS, ORDER_TRANSITIONS, EXECUTION_TRANSITIONS)

# Written down from the contract, apart from the code.
LEGAL = {
    "portfolio order": {
        (None, "NEW"): "PORTFOLIO_ORDER.NEW",
        ("NEW", "PROCESSING"): "PORTFOLIO_ORDER.PROCESSING",
        ("PROCESSING", "FILLED"): "PORTFOLIO_ORDER.FILLED",
        ("FILLED", "SETTLED"): "PORTFOLIO_ORDER.SETTLED",
        ("NEW", "CANCELLED"): "PORTFOLIO_ORDER.CANCELLED",
        ("PROCESSING", "CANCELLED"): "PORTFOLIO_ORDER.CANCELLED",
    },
    "individual order": {
        (None, "NEW"): "ORDER.NEW",
        ("NEW", "PROCESSING"): "ORDER.PROCESSING",
        ("PROCESSING", "FILLED"): "ORDER.FILLED",
        ("PROCESSING", "CANCELLED"): "ORDER.CANCELLED",
        ("NEW", "CANCELLED"): "ORDER.CANCELLED",
    },
    "execution": {
        (None, "FILLED"): "EXECUTION.FILLED",
        ("FILLED", "SETTLED"): "EXECUTION.SETTLED",
        ("FILLED", "CANCELLED"): "EXECUTION.CANCELLED",
    },
}


def all_pairs() -> Iterator[tuple[TransitionTable, str | None, str]]:
    for table in TABLES:
        for source in (None, *table.states):
            for target in table.states:
                yield table, source, target


@pytest.mark.parametrize(("table", "source", "target"), [pytest.param(*pair, id=str(pair[1:])) for pair in all_pairs()])
def test_only_the_edges_of_the_contract_exist(table: TransitionTable, source: str | None, target: str) -> None:
    event = LEGAL[table.machine].get((source, target))
    if event is None:
        with pytest.raises(TransitionRefused, match=f"{table.machine} has no transition from .* to {target}"):
            table.step(source, target)
    else:
        assert table.step(source, target).event == event


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.machine)
def test_every_state_can_be_reached(table: TransitionTable) -> None:
    reached: set[str | None] = {None}
    while more := {step.target for step in table if step.source in reached} - reached:
        reached |= more

    assert reached - {None} == set(table.states)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.machine)
def test_every_step_says_when_it_is_taken(table: TransitionTable) -> None:
    assert all(step.condition for step in table)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.machine)
def test_an_event_is_named_for_the_state_that_it_leads_to(table: TransitionTable) -> None:
    assert all(step.event.partition(".")[2] == step.target for step in table)


def test_final_states() -> None:
    finals = {table.machine: {state.value for state in table.states if table.is_final(state)} for table in TABLES}

    assert finals == {
        "portfolio order": {"SETTLED", "CANCELLED"},
        "individual order": {"FILLED", "CANCELLED"},
        "execution": {"SETTLED", "CANCELLED"},
    }
