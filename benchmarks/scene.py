"""What has to be there before a portfolio order can be placed: made over HTTP, as any client would."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice
from uuid import UUID

import msgspec

from orderlane.domain.money import from_steps
from orderlane_client.client import OrderlaneClient


class SceneRefused(Exception):
    """The scene can't be made: says why."""


CURRENCY = "EUR"
AMOUNT = Decimal("1000.01")
ACCOUNTS_IN_GROUP = 1
REQUESTS_AT_ONCE = 16
WEIGHT_DECIMALS = 4
PERSON = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1990-12-10",
    "nationalities": ["DE"],
    "address": {"address_line1": "Unter den Linden 1", "postcode": "10117", "city": "Berlin", "country": "DE"},
}


@dataclass(frozen=True, slots=True)
class Owner:
    """A portfolio account and its user."""

    user_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Scene:
    """Funded accounts that follow an allocation."""

    owners: Sequence[Owner]

    def bodies(self, count: int) -> list[str]:
        """The requests that place `count` portfolio orders, from one account after the other."""
        return [
            msgspec.json.encode(
                {
                    "user_id": owner.user_id,
                    "account_id": owner.account_id,
                    "cash_amount": AMOUNT,
                    "currency": CURRENCY,
                    "side": "BUY",
                }
            ).decode()
            for owner in islice(cycle(self.owners), count)
        ]


def weights_of(isins: Sequence[str]) -> dict[str, Decimal]:
    """Falling weights that sum to exactly 1."""
    parts, whole = range(len(isins), 0, -1), 10**WEIGHT_DECIMALS
    steps = [whole * part // sum(parts) for part in parts]
    steps[0] += whole - sum(steps)
    return {isin: from_steps(step, WEIGHT_DECIMALS) for isin, step in zip(isins, steps, strict=True)}


async def build_scene(client: OrderlaneClient, accounts: int, instruments: int, orders_each: int) -> Scene:
    """Make users, groups, accounts with cash, one allocation, and configurations."""
    isins = sorted(one.isin for one in await client.instruments() if one.fractional_trading)[:instruments]
    if len(isins) < instruments:
        raise SceneRefused(f"there are {len(isins)} instruments that can be traded in fractions, not {instruments}")
    allocation = await client.create_allocation("benchmark", weights_of(isins))
    gate = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def make_account(user_id: UUID, group_id: UUID) -> Owner:
        async with gate:
            account = await client.create_account(user_id, group_id)
            await client.deposit(account.id, AMOUNT * orders_each, CURRENCY)
            await client.configure(account.id, allocation.id)
            return Owner(user_id, account.id)

    async def make_group(size: int) -> list[Owner]:
        async with gate:
            user = await client.create_user(**PERSON)
            group = await client.create_account_group(user.id)
        return await asyncio.gather(*(make_account(user.id, group.id) for _ in range(size)))

    sizes = [min(ACCOUNTS_IN_GROUP, accounts - begun) for begun in range(0, accounts, ACCOUNTS_IN_GROUP)]
    groups = await asyncio.gather(*(make_group(size) for size in sizes))
    return Scene([owner for group in groups for owner in group])
