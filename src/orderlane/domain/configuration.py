"""The portfolio configuration: which allocation the portfolio orders of an account follow."""

from datetime import datetime

from msgspec import Struct, structs

from orderlane.domain.account import Account, AccountType
from orderlane.domain.errors import FieldRefused, StateRefused
from orderlane.domain.ids import AccountId, AllocationId, ClientId


class PortfolioConfiguration(Struct, frozen=True, kw_only=True):
    """Has an account follow an allocation, from the next portfolio order that is accepted."""

    account_id: AccountId
    client_id: ClientId
    allocation_id: AllocationId
    created_at: datetime
    updated_at: datetime

    def following(self, allocation_id: AllocationId, now: datetime) -> "PortfolioConfiguration":
        """The configuration with another allocation."""
        return structs.replace(self, allocation_id=allocation_id, updated_at=now)


class ConfigurationChoice(Struct, frozen=True, kw_only=True):
    """A portfolio configuration as a client asks for it."""

    account_id: AccountId
    allocation_id: AllocationId


class AlreadyConfigured(StateRefused):
    """The account has a portfolio configuration."""

    def __init__(self, account_id: AccountId) -> None:
        super().__init__(f"account {account_id} has a portfolio configuration already: change it")


def new_configuration(
    choice: ConfigurationChoice, account: Account | None, *, has_allocation: bool, now: datetime
) -> PortfolioConfiguration:
    """A portfolio configuration as it is stored. `account` is None when the client has no such account.

    Raises:
        FieldRefused: the account or the allocation does not exist for this client, or the account is no PORTFOLIO
            account.
    """
    if account is None:
        raise FieldRefused("account_id", f"there is no account {choice.account_id}")
    if account.type is not AccountType.PORTFOLIO:
        raise FieldRefused("account_id", f"account {account.id} is a {account.type} account, not PORTFOLIO")
    check_allocation(choice.allocation_id, is_known=has_allocation)
    return PortfolioConfiguration(
        account_id=account.id,
        client_id=account.client_id,
        allocation_id=choice.allocation_id,
        created_at=now,
        updated_at=now,
    )


def check_allocation(allocation_id: AllocationId, *, is_known: bool) -> None:
    """See to it that the client has the allocation that an account is to follow.

    Raises:
        FieldRefused: it has not.
    """
    if not is_known:
        raise FieldRefused("allocation_id", f"there is no allocation {allocation_id}")
