from pathlib import Path

import pytest

from orderlane.settings import SettingRefused, Settings, read_settings, reference, unknown_variables

ROOT = Path(__file__).parents[2]


def test_without_anything_chosen_the_defaults_count() -> None:
    assert read_settings({}, {}) == Settings()


def test_the_environment_is_read_and_an_option_wins() -> None:
    environment = {"ORDERLANE_PORT": "9000", "ORDERLANE_CURRENCY": "CHF", "ORDERLANE_DEVELOPMENT": "yes"}

    chosen = read_settings(environment, {"port": 9001, "host": None})

    assert (chosen.port, chosen.currency, chosen.development) == (9001, "CHF", True)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ORDERLANE_PORT", "http", "a whole number from 0 to 65535"),
        ("ORDERLANE_PORT", "65536", "a whole number from 0 to 65535"),
        ("ORDERLANE_CURRENCY", "EURO", "a currency code of ISO 4217 such as EUR"),
        ("ORDERLANE_DATABASE_URL", "mysql://host/name", "an address such as postgresql://"),
        ("ORDERLANE_DEVELOPMENT", "maybe", "true or false"),
        ("ORDERLANE_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("ORDERLANE_HOST", "http://localhost/", "an address or a name of this machine"),
        ("ORDERLANE_PUBLIC_URL", "orders.example.com", "an address such as https://orders.example.com"),
        ("ORDERLANE_PUBLIC_URL", "ftp://orders.example.com", "an address such as https://orders.example.com"),
        ("ORDERLANE_PUBLIC_URL", "https://orders.example.com/?a=b", "an address such as https://orders.example.com"),
        ("ORDERLANE_DATA_DIR", "", "the path of a folder"),
        ("ORDERLANE_TRUSTED_PROXIES", "proxy", "addresses or networks, separated by commas, such as 10.0.0.0/8"),
        ("ORDERLANE_REQUESTS_PER_MINUTE", "0", "a whole number from 1 to 1000000, or empty"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_would_be_right(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        read_settings({name: value}, {})

    assert str(refused.value).startswith(f"{name} is {value!r}, but must be {expected}")


def test_a_wrong_option_is_named_as_the_option() -> None:
    with pytest.raises(SettingRefused, match=r"^--port is .99999., but must be a whole number from 0 to 65535$"):
        read_settings({"ORDERLANE_PORT": "1"}, {"port": 99999})


def test_a_misspelled_variable_is_noticed() -> None:
    assert unknown_variables({"ORDERLANE_PROT": "1", "ORDERLANE_PORT": "1", "HOME": "/"}) == ["ORDERLANE_PROT"]


def test_the_reference_page_is_fresh() -> None:
    page = ROOT / "docs" / "reference" / "settings.md"

    assert page.read_text() == reference(), "write it anew: python -m orderlane.settings > docs/reference/settings.md"
