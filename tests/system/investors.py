"""What a client of the service does over HTTP: users with funded accounts that follow an allocation."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID, uuid4

from orderlane_client import OrderlaneClient, PortfolioOrder

TOPICS = ("ORDER", "PORTFOLIO_ORDER")
WEIGHTS = {
    "IE00B4L5Y983": Decimal("0.333333"),
    "IE00BKM4GZ66": Decimal("0.222222"),
    "DE0007164600": Decimal("0.166667"),
    "NL0010273215": Decimal("0.166667"),
    "LU0378818131": Decimal("0.111111"),
}
EVENTS_OF_A_BUY = 3 + 3 * len(WEIGHTS)
PERSON = {
    "first_name": "Ada",
    "last_name": "Example",
    "birth_date": "1990-12-10",
    "nationalities": ["DE"],
    "address": {"address_line1": "Unter den Linden 1", "postcode": "10117", "city": "Berlin", "country": "DE"},
}


@dataclass(frozen=True)
class Investor:
    """A user with one PORTFOLIO account."""

    user_id: UUID
    account_group_id: UUID
    account_id: UUID


@dataclass
class Market:
    """Investors of one client, and what they ordered: `accepted` are the portfolio orders that were answered 202."""

    client: OrderlaneClient
    investors: list[Investor] = field(default_factory=list)
    accepted: list[PortfolioOrder] = field(default_factory=list)

    async def open(
        self, investor_count: int, deposit: Decimal = Decimal(10_000), weights: Mapping[str, Decimal] = WEIGHTS
    ) -> None:
        allocation = await self.client.create_allocation("one for all", weights)
        for _ in range(investor_count):
            user = await self.client.create_user(**PERSON)
            group = await self.client.create_account_group(user.id)
            account = await self.client.create_account(user.id, group.id, "PORTFOLIO")
            await self.client.configure(account.id, allocation.id)
            await self.client.deposit(account.id, deposit, "EUR")
            self.investors.append(Investor(user.id, group.id, account.id))

    async def place(self, investor: Investor, amount: Decimal, side: str = "BUY") -> PortfolioOrder:
        """Place one order; should the service die meanwhile, the client comes again with the same key."""
        accepted = await self.client.place_portfolio_order(
            investor.user_id, investor.account_id, amount, "EUR", side, idempotency_key=uuid4()
        )
        self.accepted.append(accepted)
        return accepted

    @property
    def accepted_ids(self) -> list[UUID]:
        return [one.id for one in self.accepted]

    async def place_for_all(self, amounts: Sequence[Decimal]) -> None:
        """One order for each investor and amount, all at once."""
        await asyncio.gather(*(self.place(one, amount) for amount in amounts for one in self.investors))

    async def until_filled(self, portfolio_order_id: UUID) -> None:
        """Poll, as the guide offers."""
        async with asyncio.timeout(30):
            while (await self.client.portfolio_order(portfolio_order_id)).status != "FILLED":
                await asyncio.sleep(0.05)
