"""The layers, checked: imports go downwards only, and the domain needs the standard library and msgspec only."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
ALLOWED = ("orderlane.domain.", "msgspec.")
DOMAIN = ROOT / "src" / "orderlane" / "domain"


def test_imports_go_downwards_only(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)

    assert exit_code == 0, capsys.readouterr().out


def test_the_domain_imports_the_standard_library_and_its_record_type_only() -> None:
    foreign = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted(DOMAIN.rglob("*.py"))
        for module in imported_modules(path)
        if not f"{module}.".startswith(ALLOWED) and module.partition(".")[0] not in sys.stdlib_module_names
    ]

    assert foreign == []


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
