"""What the outside world refuses says why."""

from orderlane.ports.errors import NotFound, StoreUnavailable


def test_a_reason_is_kept() -> None:
    assert str(StoreUnavailable("the database is a standby")) == "the database is a standby"


def test_without_a_reason_the_kind_is_told() -> None:
    assert str(StoreUnavailable()) == str(StoreUnavailable("")) == "The database does not answer."


def test_what_is_not_found_is_named() -> None:
    assert str(NotFound("user", "7")) == "there is no user 7"
