"""`accounts`: the accounts of users."""

from orderlane.domain.account import Account
from orderlane.postgres.tables.records import Row, record_from


def account_from(row: Row) -> Account:
    """An account from its row."""
    return record_from(row, Account)
