"""The portfolio configuration: a PORTFOLIO account follows an allocation that its client has."""

from datetime import timedelta

import pytest
from msgspec import structs

from orderlane.domain.account import Account, AccountType
from orderlane.domain.configuration import (
    AlreadyConfigured,
    ConfigurationChoice,
    PortfolioConfiguration,
    check_allocation,
    new_configuration,
)
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import AllocationId
from tests.unit.domain.worlds import ACCOUNT, ALLOCATION, CLIENT, NOW, account, numbered_id

CHOICE = ConfigurationChoice(account_id=ACCOUNT, allocation_id=ALLOCATION)


def test_a_portfolio_account_follows_an_allocation_of_its_client() -> None:
    assert new_configuration(CHOICE, account(), has_allocation=True, now=NOW) == PortfolioConfiguration(
        account_id=ACCOUNT, client_id=CLIENT, allocation_id=ALLOCATION, created_at=NOW, updated_at=NOW
    )


def test_following_another_allocation_keeps_when_it_began() -> None:
    before = new_configuration(CHOICE, account(), has_allocation=True, now=NOW)
    later, other = NOW + timedelta(days=1), AllocationId(numbered_id(70))

    assert before.following(other, later) == structs.replace(before, allocation_id=other, updated_at=later)


TRADING = structs.replace(account(), type=AccountType.TRADING)


@pytest.mark.parametrize(
    ("found", "has_allocation", "field", "message"),
    [
        (None, False, "account_id", f"there is no account {ACCOUNT}"),
        (TRADING, False, "account_id", f"account {ACCOUNT} is a TRADING account, not PORTFOLIO"),
        (account(), False, "allocation_id", f"there is no allocation {ALLOCATION}"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(
    found: Account | None, has_allocation: bool, field: str, message: str
) -> None:
    with pytest.raises(FieldRefused) as refused:
        new_configuration(CHOICE, found, has_allocation=has_allocation, now=NOW)
    assert (refused.value.field, refused.value.message) == (field, message)


def test_an_allocation_that_the_client_does_not_have_is_refused() -> None:
    check_allocation(ALLOCATION, is_known=True)
    with pytest.raises(FieldRefused, match=f"allocation_id there is no allocation {ALLOCATION}"):
        check_allocation(ALLOCATION, is_known=False)


def test_a_second_configuration_is_a_matter_of_state() -> None:
    refusal = AlreadyConfigured(ACCOUNT)

    assert isinstance(refusal, StateRefused)
    assert str(refusal) == f"account {ACCOUNT} has a portfolio configuration already: change it"
