"""Lists of instruments from CSV: what is right is read, what is wrong is named by line and column."""

from decimal import Decimal

import pytest

from orderlane.domain.instruments import TradingStatus
from orderlane.master_data import InstrumentFileRefused, check_venues, read_instruments, shipped_instruments
from orderlane.ports.instruments import InstrumentEntry

COLUMNS = "isin,wkn,name,currency,minimum_amount,fractional,trading_status,price"
WORLD = 'IE00B4L5Y983,A0RPWH,"World, accumulating",EUR,1.00,true,ACTIVE,103.45'
SAP = "DE0007164600,716460,SAP SE,EUR,0.50,false,INACTIVE,248.75"


def csv_of(*rows: str) -> bytes:
    return "\n".join((COLUMNS, *rows)).encode()


def refusal_of(content: bytes) -> list[str]:
    with pytest.raises(InstrumentFileRefused) as refused:
        read_instruments(content)
    return [str(problem) for problem in refused.value.problems]


def test_a_list_is_read_in_its_order() -> None:
    first, second = read_instruments(csv_of(WORLD, "", SAP))

    assert (first.line, second.line) == (2, 4)
    assert first.entry == InstrumentEntry(
        isin="IE00B4L5Y983",
        wkn="A0RPWH",
        name="World, accumulating",
        currency="EUR",
        minimum_amount=Decimal("1.00"),
        fractional=True,
        trading_status=TradingStatus.ACTIVE,
        price=Decimal("103.45"),
        venue="",
    )
    assert second.entry == InstrumentEntry(
        isin="DE0007164600",
        wkn="716460",
        name="SAP SE",
        currency="EUR",
        minimum_amount=Decimal("0.50"),
        fractional=False,
        trading_status=TradingStatus.INACTIVE,
        price=Decimal("248.75"),
        venue="",
    )


def test_an_instrument_may_name_its_venue() -> None:
    content = f"{COLUMNS},venue\n{WORLD},XETRA\n{SAP},".encode()

    lines = read_instruments(content)

    assert [line.entry.venue for line in lines] == ["XETRA", ""]
    check_venues(lines, ["SIMULATED", "XETRA"])
    with pytest.raises(InstrumentFileRefused) as refused:
        check_venues(lines, ["SIMULATED", "SECOND"])
    assert str(refused.value) == "line 2, venue: there is no venue 'XETRA'; known are: SIMULATED, SECOND"


def test_the_name_of_a_venue_has_a_form() -> None:
    content = f"{COLUMNS},venue\n{WORLD},xetra".encode()

    message = "must be the name of a venue such as SIMULATED, or empty, not 'xetra'"
    assert refusal_of(content) == [f"line 2, venue: {message}"]


def test_columns_may_stand_in_any_order_and_a_spreadsheet_may_have_written_it() -> None:
    content = (
        "\ufeffprice,name,isin,wkn,currency,minimum_amount,fractional,trading_status\r\n"
        "10, SAP ,DE0007164600,,EUR,1,true,ACTIVE\r\n"
    )

    (line,) = read_instruments(content.encode())

    assert (line.entry.name, line.entry.price, line.entry.wkn) == ("SAP", Decimal(10), "")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("isin", "IE00B4L5Y984", "'IE00B4L5Y984' has a wrong check digit"),
        ("isin", "A0RPWH", "must be an ISIN such as IE00B4L5Y983, not 'A0RPWH'"),
        ("isin", "", "must be an ISIN such as IE00B4L5Y983, not ''"),
        ("isin", "XX" * 40, f"must be an ISIN such as IE00B4L5Y983, not '{'XX' * 20}…'"),
        ("wkn", "A0RPW", "must be a WKN such as A0RPWH, or empty, not 'A0RPW'"),
        ("name", "", "must be 1 to 200 printable characters"),
        ("name", "x" * 201, "must be 1 to 200 printable characters"),
        ("name", "bell\a", "must be 1 to 200 printable characters"),
        ("currency", "EURO", "must be a currency code of ISO 4217 such as EUR, not 'EURO'"),
        ("minimum_amount", "-1", "must be a number such as 12.50, not '-1'"),
        ("minimum_amount", "1.001", "must have at most 2 decimals, as EUR has"),
        ("minimum_amount", "1e3", "must be a number such as 12.50, not '1e3'"),
        ("fractional", "yes", "must be true or false, not 'yes'"),
        ("trading_status", "active", "must be ACTIVE or INACTIVE, not 'active'"),
        ("price", "0.00", "must be greater than 0"),
        ("minimum_amount", "1000000000000000.01", "must be at most 1000000000000000, not 1000000000000000.01"),
        ("price", "1000000000000.1", "must be at most 1000000000000, not 1000000000000.1"),
        ("price", "1.00000000001", "must be a number such as 12.50, not '1.00000000001'"),
        ("price", "NaN", "must be a number such as 12.50, not 'NaN'"),
    ],
)
def test_a_wrong_value_is_named_by_line_and_column(column: str, value: str, message: str) -> None:
    values = dict(zip(COLUMNS.split(","), SAP.split(","), strict=True)) | {"wkn": "", column: value}

    assert refusal_of(csv_of(WORLD, ",".join(values.values()))) == [f"line 3, {column}: {message}"]


def test_every_problem_of_the_file_is_told_at_once() -> None:
    content = csv_of("IE00B4L5Y984,,,EUR,1,true,ACTIVE,1", WORLD, SAP.replace("248.75", "many"))

    assert [problem.split(":")[0] for problem in refusal_of(content)] == [
        "line 2, isin",
        "line 2, name",
        "line 4, price",
    ]


def test_a_long_list_of_problems_is_cut_short() -> None:
    with pytest.raises(InstrumentFileRefused) as refused:
        read_instruments(csv_of(*["IE00B4L5Y984,,x,EUR,1,true,ACTIVE,1"] * 50))

    assert len(refused.value.problems) == 50
    assert str(refused.value).splitlines()[-1] == "and 30 more"


def test_an_isin_may_stand_once() -> None:
    assert refusal_of(csv_of(WORLD, SAP, WORLD)) == ["line 4, isin: IE00B4L5Y983 stands in line 2 already"]


def test_the_wkn_of_a_german_isin_is_part_of_it() -> None:
    assert refusal_of(csv_of(SAP.replace(",716460,", ",840400,"))) == [
        "line 2, wkn: 840400 belongs to DE0008404005, not to DE0007164600"
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 2: there is no instrument"),
        (csv_of(), "line 2: there is no instrument"),
        (b"isin;wkn;name\n", "line 1: must name these columns, separated by commas: isin,wkn,name,"),
        (csv_of(WORLD + ",more"), "line 2: has 9 values for 8 columns"),
        (csv_of(WORLD) + b"\n\xe9", "line 3: is not in UTF-8"),
        (csv_of('"IE00B4L5Y983'), "line 2: is no CSV: unexpected end of data"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, problem: str) -> None:
    (told,) = refusal_of(content)

    assert told.startswith(problem)


def test_the_list_that_comes_with_the_service_is_right() -> None:
    shipped = {entry.isin: entry for entry in shipped_instruments()}

    assert len(shipped) >= 30
    assert {entry.currency for entry in shipped.values()} == {"EUR"}
    assert {entry.trading_status for entry in shipped.values()} == {TradingStatus.ACTIVE}
    assert shipped["IE00B4L5Y983"].name == "iShares Core MSCI World UCITS ETF USD (Acc)"
    assert shipped["DE0007164600"].wkn == "716460"
