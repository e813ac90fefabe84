"""Reading a list of instruments from CSV: UTF-8, commas, a first line that names the columns, in any order.

| column | what is right |
|---|---|
| isin | ISO 6166, with its check digit |
| wkn | the German securities number, may be empty |
| name | 1 to 200 characters |
| currency | ISO 4217; minimum_amount and price are in it |
| minimum_amount | the least amount of an order, 0 to 1000000000000000, with no more decimals than the currency has |
| fractional | true or false: whether parts of a unit are traded |
| trading_status | ACTIVE or INACTIVE |
| price | the reference price of one unit, greater than 0, at most 1000000000000, with at most 10 decimals |
| venue | the name of the venue where it is executed; empty, or no such column, for the default one |

The list that comes with the service is a convenience: real ISINs and names, prices that are only plausible.
"""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from importlib.resources import files
from io import StringIO
from typing import Any, Final

from msgspec import Struct
from stdnum import isin as isin_number
from stdnum.de import wkn as wkn_number
from stdnum.exceptions import InvalidChecksum, ValidationError

from orderlane.domain.bounds import AMOUNT_MAX, PRICE_DECIMALS, PRICE_MAX
from orderlane.domain.instruments import TradingStatus
from orderlane.domain.money import plain
from orderlane.ports.instruments import InstrumentEntry
from orderlane.resources.formats import CURRENCIES

NAME_CHARACTERS_MAX = 200
PROBLEMS_SHOWN_MAX = 20
VALUE_SHOWN_CHARACTERS_MAX = 40
_NUMBER = re.compile(rf"[0-9]{{1,18}}(\.[0-9]{{1,{PRICE_DECIMALS}}})?")
_VENUE = re.compile(r"[A-Z][A-Z0-9_]{0,29}")
_SWITCH = {"true": True, "false": False}


class InstrumentLine(Struct, frozen=True):
    """An instrument of a file, with its line (from 1)."""

    line: int
    entry: InstrumentEntry


class Problem(Struct, frozen=True):
    """What is wrong with one value: its line in the file (from 1), its column, None for the whole line, and why."""

    line: int
    column: str | None
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.column is None else f"line {self.line}, {self.column}"
        return f"{place}: {self.message}"


class InstrumentFileRefused(Exception):
    """A list of instruments has mistakes, so nothing of it is taken; `problems` are all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:PROBLEMS_SHOWN_MAX]]
        more = len(self.problems) - len(shown)
        return "\n".join([*shown, f"and {more} more"] if more else shown)


def shipped_instruments() -> list[InstrumentEntry]:
    """The European-listed funds and shares that come with the service."""
    lines = read_instruments((files("orderlane.master_data") / "instruments.csv").read_bytes())
    return [line.entry for line in lines]


def read_instruments(content: bytes) -> list[InstrumentLine]:
    """The instruments of a CSV file, in its order.

    Raises:
        InstrumentFileRefused: the file has mistakes, all of which are told.
    """
    problems: list[Problem] = []
    lines: list[InstrumentLine] = []
    first_lines: dict[str, int] = {}
    for line, row in _rows(content):
        try:
            entry = _entry(line, row)
            _refuse_repetition(line, entry.isin, first_lines)
        except InstrumentFileRefused as refusal:
            problems += refusal.problems
        else:
            lines.append(InstrumentLine(line, entry))
    if problems:
        raise InstrumentFileRefused(problems)
    if not lines:
        raise InstrumentFileRefused([Problem(2, None, "there is no instrument below the names of the columns")])
    return lines


def check_venues(lines: Iterable[InstrumentLine], venues: Collection[str]) -> None:
    """See to it that the venues that a file names are among those that exist.

    Raises:
        InstrumentFileRefused: some are not.
    """
    known = ", ".join(venues) or "there is none yet"
    problems = [
        Problem(line.line, "venue", f"there is no venue {_shown(line.entry.venue)}; known are: {known}")
        for line in lines
        if line.entry.venue and line.entry.venue not in venues
    ]
    if problems:
        raise InstrumentFileRefused(problems)


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by column, each with its line number."""
    reader = csv.reader(StringIO(_text(content), newline=""), strict=True)
    columns: list[str] | None = None
    try:
        for values in reader:
            if columns is None:
                columns = [value.strip() for value in values]
                _check_columns(columns)
            elif any(value.strip() for value in values):
                _check_width(reader.line_num, columns, values)
                yield reader.line_num, dict(zip(columns, (value.strip() for value in values), strict=True))
    except csv.Error as error:
        raise InstrumentFileRefused([Problem(reader.line_num, None, f"is no CSV: {error}")]) from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InstrumentFileRefused([Problem(line, None, "is not in UTF-8; save the file in that encoding")]) from error


def _check_columns(columns: list[str]) -> None:
    if sorted({*columns, *_OPTIONAL}) != sorted(_READERS) or len(set(columns)) != len(columns):
        required = ",".join(column for column in _READERS if column not in _OPTIONAL)
        message = f"must name these columns, separated by commas: {required}; and may name {','.join(_OPTIONAL)}"
        raise InstrumentFileRefused([Problem(1, None, message)])


def _check_width(line: int, columns: list[str], values: list[str]) -> None:
    if len(values) != len(columns):
        message = f"has {len(values)} values for {len(columns)} columns; a value that holds a comma goes in quotes"
        raise InstrumentFileRefused([Problem(line, None, message)])


def _refuse_repetition(line: int, isin: str, lines: dict[str, int]) -> None:
    first = lines.setdefault(isin, line)
    if first != line:
        raise InstrumentFileRefused([Problem(line, "isin", f"{isin} stands in line {first} already")])


def _entry(line: int, row: Mapping[str, str]) -> InstrumentEntry:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, read in _READERS.items():
        try:
            values[column] = read(row.get(column, ""))
        except ValueError as error:
            problems.append(Problem(line, column, str(error)))
    if not problems:
        problems += [Problem(line, column, message) for column, message in _contradictions(values)]
    if problems:
        raise InstrumentFileRefused(problems)
    return InstrumentEntry(**values)


def _contradictions(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    isin, wkn, currency = values["isin"], values["wkn"], CURRENCIES[values["currency"]]
    if wkn and isin.startswith("DE") and wkn_number.to_isin(wkn) != isin:
        yield "wkn", f"{wkn} belongs to {wkn_number.to_isin(wkn)}, not to {isin}"
    if not currency.is_exact(values["minimum_amount"]):
        yield "minimum_amount", f"must have at most {currency.decimals} decimals, as {currency.code} has"


def _read_isin(text: str) -> str:
    try:
        return str(isin_number.validate(text))
    except InvalidChecksum:
        raise ValueError(f"{_shown(text)} has a wrong check digit") from None
    except ValidationError:
        raise ValueError(f"must be an ISIN such as IE00B4L5Y983, not {_shown(text)}") from None


def _read_wkn(text: str) -> str:
    try:
        return str(wkn_number.validate(text)) if text else ""
    except ValidationError:
        raise ValueError(f"must be a WKN such as A0RPWH, or empty, not {_shown(text)}") from None


def _read_name(text: str) -> str:
    if not 0 < len(text) <= NAME_CHARACTERS_MAX or not text.isprintable():
        raise ValueError(f"must be 1 to {NAME_CHARACTERS_MAX} printable characters")
    return text


def _read_currency(text: str) -> str:
    if text not in CURRENCIES:
        raise ValueError(f"must be a currency code of ISO 4217 such as EUR, not {_shown(text)}")
    return text


def _read_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"must be a number such as 12.50, not {_shown(text)}")
    return Decimal(text)


def _read_minimum_amount(text: str) -> Decimal:
    return _at_most(AMOUNT_MAX, _read_number(text))


def _read_price(text: str) -> Decimal:
    price = _read_number(text)
    if not price:
        raise ValueError("must be greater than 0")
    return _at_most(PRICE_MAX, price)


def _at_most(most: Decimal, number: Decimal) -> Decimal:
    if number > most:
        raise ValueError(f"must be at most {plain(most)}, not {number:f}")
    return number


def _read_fractional(text: str) -> bool:
    if text not in _SWITCH:
        raise ValueError(f"must be true or false, not {_shown(text)}")
    return _SWITCH[text]


def _read_trading_status(text: str) -> TradingStatus:
    try:
        return TradingStatus(text)
    except ValueError:
        raise ValueError(f"must be {' or '.join(TradingStatus)}, not {_shown(text)}") from None


def _read_venue(text: str) -> str:
    if text and not _VENUE.fullmatch(text):
        raise ValueError(f"must be the name of a venue such as SIMULATED, or empty, not {_shown(text)}")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= VALUE_SHOWN_CHARACTERS_MAX else text[:VALUE_SHOWN_CHARACTERS_MAX] + "…")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "isin": _read_isin,
    "wkn": _read_wkn,
    "name": _read_name,
    "currency": _read_currency,
    "minimum_amount": _read_minimum_amount,
    "fractional": _read_fractional,
    "trading_status": _read_trading_status,
    "price": _read_price,
    "venue": _read_venue,
}
_OPTIONAL: Final = ("venue",)
