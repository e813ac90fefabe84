"""Writes the page of the state machines: `python -m tools.state_machines > docs/reference/state-machines.md`."""

from collections.abc import Iterator

from orderlane.domain.order import EXECUTION_TRANSITIONS, ORDER_TRANSITIONS
from orderlane.domain.portfolio_order import PORTFOLIO_ORDER_TRANSITIONS
from orderlane.domain.transitions import Transition, TransitionTable

BEGINNING = "\N{EN DASH}"
TABLES = (PORTFOLIO_ORDER_TRANSITIONS, ORDER_TRANSITIONS, EXECUTION_TRANSITIONS)

HEADING = """\
# State machines

Made from the tables in `src/orderlane/domain` by `python -m tools.state_machines`.
What is not in a table does not happen: it raises an error, and a test tries every pair of states.
A step and its event are one: neither is ever written without the other."""


def page() -> str:
    """The whole page."""
    return "\n".join([HEADING, *(line for table in TABLES for line in section(table))]) + "\n"


def section(table: TransitionTable) -> Iterator[str]:
    """A diagram and a table of one machine. In a diagram's label a semicolon would end the line."""
    yield from ("", f"## {table.machine.capitalize()}", "", "```mermaid", "stateDiagram-v2")
    yield from (f"    {step.source or '[*]'} --> {step.target}: {step.condition.replace(';', ',')}" for step in table)
    yield from (f"    {state} --> [*]" for state in table.states if table.is_final(state))
    yield from ("```", "", "| from | to | when | event |", "|---|---|---|---|")
    yield from (row(step) for step in table)


def row(step: Transition) -> str:
    """One line of the table."""
    return f"| {step.source or BEGINNING} | {step.target} | {step.condition} | `{step.event}` |"


if __name__ == "__main__":
    print(page(), end="")
