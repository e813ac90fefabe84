"""The house rules that no linter knows, and proof that the linter enforces the others."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
SQL_HOME = SOURCE / "orderlane" / "postgres"
PYTHON_FOLDERS = ("src", "tests", "benchmarks")
TEXT_FOLDERS = (*PYTHON_FOLDERS, "docs", "requirements", "tools", ".ci")
NOT_OURS = {"LICENSE"}
TEXT_ENDINGS = {
    "",
    ".css",
    ".csv",
    ".html",
    ".jinja",
    ".json",
    ".md",
    ".py",
    ".sql",
    ".toml",
    ".txt",
    ".yaml",
}

FUNCTION_LINES_MAX = 50
FUNCTION_LINES_MEDIAN_MAX = 10
FILE_LINES_MAX = 400

VAGUE_NAME = re.compile(r"(^|_)(utils?|helpers?|managers?|common)(_|$)")
SQL_TEXT = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|MERGE\s+INTO\s|WITH\s+\w+\s+AS\s|COPY\s+\w+\s+FROM\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|DATABASE|ROLE|TYPE|FUNCTION|VIEW)\s|LISTEN\s+\w|NOTIFY\s+\w)"
)
# Each pattern is written so that it does not match its own text.
FOREIGN_TEXT = {
    "a note left for later": re.compile(r"\b(?:TO[D]O|FIX[M]E)\b"),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:work|root|farm|tmp/notes)/\w"),
    "the host of a package registry": re.compile(r"py(?:pi)\.org|python(?:hosted)\.org|npm(?:js)\.(?:com|org)"),
}


class Function(NamedTuple):
    """A function's place and its length in lines, its docstring not counted."""

    place: str
    lines: int


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def text_files() -> Iterator[Path]:
    at_the_top = (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name not in NOT_OURS)
    below = (path for folder in TEXT_FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.is_file())
    for path in (*at_the_top, *below):
        if path.suffix in TEXT_ENDINGS and "__pycache__" not in path.parts:
            yield path


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def functions(*folders: str) -> Iterator[Function]:
    for path in python_files(*folders):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Function(f"{place(path, node.lineno)} {node.name}", code_lines(node))


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is None:
        return length
    docstring = node.body[0]
    assert docstring.end_lineno is not None
    return length - (docstring.end_lineno - docstring.lineno + 1)


def test_functions_are_short() -> None:
    long = [f"{f.place}: {f.lines} lines" for f in functions(*PYTHON_FOLDERS) if f.lines > FUNCTION_LINES_MAX]

    assert long == [], f"split these into functions of at most {FUNCTION_LINES_MAX} lines"


def test_the_median_function_is_a_glance(record_property: Callable[[str, object], None]) -> None:
    median = statistics.median(f.lines for f in functions("src"))
    record_property("median_function_lines", median)

    assert median <= FUNCTION_LINES_MEDIAN_MAX


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files(*PYTHON_FOLDERS)}
    long = [f"{place(path, lines)}" for path, lines in lengths.items() if lines > FILE_LINES_MAX]

    assert long == [], f"split these into files of at most {FILE_LINES_MAX} lines"


def test_file_names_say_what_is_inside() -> None:
    vague = [place(path, 1) for path in python_files(*PYTHON_FOLDERS) if VAGUE_NAME.search(path.stem)]

    assert vague == [], "name these after what they hold"


def test_sql_text_lives_with_the_database_code_only() -> None:
    stray = [
        place(path, node.lineno)
        for path in python_files("src")
        if SQL_HOME not in path.parents
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_TEXT.search(node.value)
    ]

    assert stray == [], "move these to named queries in src/orderlane/postgres/queries"


@pytest.mark.parametrize("what", FOREIGN_TEXT)
def test_the_project_speaks_only_of_itself(what: str) -> None:
    found = [
        place(path, number)
        for path in text_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FOREIGN_TEXT[what].search(line)
    ]

    assert found == [], f"{what} does not belong in the project"


@pytest.mark.parametrize(
    ("code", "replacement"),
    [
        ("from datetime import UTC, datetime\n\nnow = datetime.now(UTC)\n", "a Clock from orderlane.sources"),
        ("from datetime import datetime\n\nnow = datetime.utcnow()\n", "a Clock from orderlane.sources"),
        ("from datetime import date\n\ntoday = date.today()\n", "a Clock from orderlane.sources"),
        ("import time\n\nnow = time.time()\n", "a Clock from orderlane.sources"),
        ("import uuid\n\nnew_id = uuid.uuid4()\n", "an IdSource from orderlane.sources"),
        ("import uuid_utils\n\nnew_id = uuid_utils.uuid7()\n", "an IdSource from orderlane.sources"),
        ("import random\n\nvalue = random.random()\n", "a TokenSource from orderlane.sources"),
        ("import secrets\n\nvalue = secrets.token_hex()\n", "a TokenSource from orderlane.sources"),
        ("import os\n\nvalue = os.urandom(8)\n", "a TokenSource from orderlane.sources"),
        ("def public() -> None:\n    return\n", "Missing docstring in public function"),
        ("class Public:\n    pass\n", "Missing docstring in public class"),
        ("value = 1\n", "Missing docstring in public module"),
        (
            "def broad() -> None:\n    try:\n        broad()\n    except Exception:\n        pass\n",
            "blind exception",
        ),
    ],
)
def test_the_linter_refuses_what_the_house_rules_ban(code: str, replacement: str) -> None:
    answer = ruff("check", "--stdin-filename", "src/orderlane/domain/example.py", "-", stdin=code)

    assert answer.returncode == 1
    assert replacement in answer.stdout


def test_only_the_sources_may_read_clock_ids_and_randomness() -> None:
    sources = (SOURCE / "orderlane" / "sources.py").read_text()

    assert ruff("check", "--stdin-filename", "src/orderlane/sources.py", "-", stdin=sources).returncode == 0
    elsewhere = ruff("check", "--stdin-filename", "src/orderlane/ports.py", "-", stdin=sources)
    assert elsewhere.stdout.count("TID251") >= 3


def ruff(*arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments]
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
