"""A state machine as one table: from, to, the event that the step emits, and when it is taken."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from orderlane.domain.errors import TransitionRefused


class Transition(Struct, frozen=True):
    """One legal step; `source` is None where the machine begins. `condition` is the rule in words."""

    source: str | None
    target: str
    event: str
    condition: str


class TransitionTable:
    """Every legal step of one machine. What is not in the table does not happen."""

    def __init__(self, machine: str, states: type[StrEnum], transitions: Iterable[Transition]) -> None:
        self.machine = machine
        self.states = states
        self._by_step = {(step.source, step.target): step for step in transitions}

    def __iter__(self) -> Iterator[Transition]:
        return iter(self._by_step.values())

    def step(self, source: str | None, target: str) -> Transition:
        """The step from `source` to `target`. Raises TransitionRefused when there is none."""
        try:
            return self._by_step[source, target]
        except KeyError:
            raise TransitionRefused(self.machine, source, target) from None

    def is_final(self, state: str) -> bool:
        """Whether no step leads out of `state`."""
        return all(source != state for source, _ in self._by_step)
