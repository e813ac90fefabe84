"""The domain is pure: it imports itself, msgspec, and those parts of the standard library that only compute."""

import ast
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

from orderlane import domain

MODULES = sorted(module.name for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."))
COMPUTING = {
    "collections",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "re",
    "itertools",
    "math",
    "operator",
    "typing",
    "uuid",
}


def imported_by(name: str) -> set[str]:
    """The modules that a module imports, as its source names them."""
    source = import_module(name).__file__
    assert source is not None
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(source).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_the_domain_imports_nothing_that_does_input_or_output(name: str) -> None:
    foreign = {
        imported
        for imported in imported_by(name)
        if imported.partition(".")[0] not in COMPUTING | {"msgspec"} and not imported.startswith(domain.__name__)
    }

    assert foreign == set()


def test_every_room_of_the_domain_is_looked_at() -> None:
    assert {"orderlane.domain.ids", "orderlane.domain.lane.placing", "orderlane.domain.positions"} <= set(MODULES)
