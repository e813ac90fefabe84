"""The type checker refuses arithmetic on decimals that may round, and lets pass what is exact."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAD = """
import math
import operator
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal

CONTEXT = Context(prec=5)


def planted(
    a: Decimal, b: Decimal, n: int, optional: Decimal | int, many: Iterable[Decimal], by: Mapping[str, Decimal]
) -> None:
"""
REFUSED = {
    "a + b": "orderlane.domain.money.add",
    "a - b": "orderlane.domain.money.subtract",
    "a * b": "orderlane.domain.money.multiply",
    "a * n": "orderlane.domain.money.multiply",
    "a / b": "orderlane.domain.money.divide",
    "a // b": "orderlane.domain.money.whole_quotient",
    "a % b": "orderlane.domain.money.whole_quotient",
    "a**2": "orderlane.domain.money.multiply",
    "n + a": "Unsupported operand",
    "n * a": "Unsupported operand",
    "1 - a": "Unsupported operand",
    "optional + 1": "orderlane.domain.money.add",
    "a += b": "orderlane.domain.money.add",
    "a -= n": "orderlane.domain.money.subtract",
    "-a": "orderlane.domain.money.negate",
    "+a": "the number itself",
    "abs(a)": "orderlane.domain.money.magnitude",
    "round(a)": "a rounding with a name",
    "round(a, 2)": "a rounding with a name",
    "divmod(a, b)": "orderlane.domain.money.whole_quotient",
    "pow(a, 2)": "orderlane.domain.money.multiply",
    "sum(many)": "orderlane.domain.money.total",
    "sum(many, Decimal(0))": "orderlane.domain.money.total",
    "sum(by.values())": "orderlane.domain.money.total",
    "sum(entry for entry in many)": "incompatible item type",
    "sum([a, b])": "incompatible type",
    "operator.add(a, b)": "orderlane.domain.money.add",
    "a.quantize(b)": "quantize of Decimal without a context",
    "a.normalize()": "normalize of Decimal without a context",
    "a.scaleb(2)": "scaleb of Decimal without a context",
    "a.sqrt()": "sqrt of Decimal without a context",
    "a.fma(b, a)": "fma of Decimal without a context",
    "a.__add__(b)": "orderlane.domain.money.add",
    'f"{a:.2f}"': "a format with a precision",
    'f"{n} and {a:>10.4%}"': "a format with a precision",
    '"{:.2f}".format(a)': "a format with a precision",
    'format(a, ".2f")': "builtins.format of Decimal",
    "float(a)": "builtins.float of Decimal",
    "Decimal(1.5)": "Decimal of a float",
}
ALLOWED = (
    "a < b",
    "a <= n",
    "a == n",
    "a != b",
    "max(a, b)",
    "min(many)",
    "sorted(many)",
    "bool(a)",
    "str(a)",
    'f"{a}"',
    'f"{a:f} {a:>10} {a:,}"',
    "a.quantize(b, context=CONTEXT)",
    'a.quantize(b, "ROUND_DOWN", CONTEXT)',
    "a.scaleb(2, CONTEXT)",
    "a.to_integral_value()",
    "a.is_finite()",
    "a.as_tuple()",
    "CONTEXT.add(a, b)",
    "Decimal(n)",
    'Decimal("1.5")',
    "n + 1",
    "-n",
    "abs(n)",
    "round(1.5)",
    "sum([1, 2])",
    "sum(entry for entry in (n, n))",
    'f"{1.5:.2f} {n}"',
    "float(n)",
)


def check(source: Path, cache: Path) -> dict[int, str]:
    """What mypy says of a file under the project's settings, by line."""
    command = (sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", str(cache), str(source))
    environment = os.environ | {"MYPY_FORCE_COLOR": "0"}
    process = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment
    )
    assert process.returncode in (0, 1), process.stdout + process.stderr
    said: dict[int, str] = {}
    for line, message in re.findall(r"^[^:\n]+:(\d+): error: (.*)$", process.stdout, flags=re.MULTILINE):
        said[int(line)] = f"{said.get(int(line), '')}{message}\n"
    return said


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_what_may_round_is_refused_and_what_is_exact_is_not(tmp_path: Path, cache: Path) -> None:
    statements = [*REFUSED, *ALLOWED]
    source = tmp_path / "planted.py"
    source.write_text(HEAD + "".join(f"    {statement}\n" for statement in statements))
    first = HEAD.count("\n") + 1

    said = check(source, cache)

    found = {statement: said.get(number, "") for number, statement in enumerate(statements, first)}
    assert {statement: found[statement] for statement, what in REFUSED.items() if what not in found[statement]} == {}
    assert {statement: found[statement] for statement in ALLOWED if found[statement]} == {}
    assert said.keys() <= set(range(first, first + len(statements)))


def test_a_checked_file_is_checked_again_when_it_changes(tmp_path: Path, cache: Path) -> None:
    """What mypy keeps of the last run hides nothing."""
    source = tmp_path / "changing.py"
    head = "from decimal import Decimal\n\n\ndef of(a: Decimal) -> Decimal:\n"
    source.write_text(f"{head}    return a\n")
    assert check(source, cache) == {}

    source.write_text(f"{head}    return -a\n")
    assert "orderlane.domain.money.negate" in check(source, cache)[5]
    assert "orderlane.domain.money.negate" in check(source, cache)[5]


def test_make_check_runs_it() -> None:
    assert 'plugins = ["tools/exact_arithmetic.py"]' in (ROOT / "pyproject.toml").read_text()
    assert "$(BIN)/mypy" in (ROOT / "Makefile").read_text()
