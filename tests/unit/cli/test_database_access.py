"""Which commands may migrate, and which may write: read from their source, so that a new command cannot forget it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import orderlane.cli

COMMANDS = Path(orderlane.cli.__file__).parent
MIGRATING = {"schema.py", "waiting.py"}
READING = {
    "clients.py": {"list_all", "list_keys"},
    "doctor.py": {"doctor"},
    "events.py": {"show"},
    "portfolio_orders.py": {"show", "watch"},
    "quarantine.py": {"list_all"},
}


def test_only_roles_and_the_command_migrate_open_a_database_that_is_migrated() -> None:
    assert {file.name for file in COMMANDS.glob("*.py") if "open_migrated" in file.read_text()} == MIGRATING


def test_no_command_goes_around_the_check_of_the_schema() -> None:
    opening = {file.name for file in COMMANDS.glob("*.py") if "open_database" in file.read_text()}
    assert opening == set()


def test_commands_that_look_open_sessions_that_cannot_write() -> None:
    for file in sorted(COMMANDS.glob("*.py")):
        reading = {name for name, reads_only in openings(file) if reads_only}
        writing = {name for name, reads_only in openings(file) if not reads_only}
        assert READING.get(file.name, set()) <= reading, file.name
        assert not reading & writing, file.name


def openings(file: Path) -> Iterator[tuple[str, bool]]:
    """Each command of a module that opens the database, and whether read-only."""
    for command in ast.parse(file.read_text()).body:
        if not isinstance(command, ast.FunctionDef):
            continue
        for call in ast.walk(command):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("opened_store", "opened_operator"):
                yield (
                    command.name,
                    any(
                        keyword.arg == "reads_only" and getattr(keyword.value, "value", False)
                        for keyword in call.keywords
                    ),
                )
