"""What the demo does: a user with cash and an allocation buys a portfolio, and a receiver listens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from uuid import UUID

import msgspec

from orderlane.demo.narration import Arrival, Narrator, Prepared
from orderlane.demo.processes import DemoFailed, JsonProcess, started_receiver, started_service
from orderlane.demo.proofs import Evidence, proofs
from orderlane_client import ClientError, OrderlaneClient, PortfolioOrder, WebhookEvent

CURRENCY = "EUR"
DEPOSIT = Decimal("1500.00")
AMOUNT = Decimal("1000.00")
TOPICS = ("ORDER", "PORTFOLIO_ORDER")
LAST_EVENTS = ("PORTFOLIO_ORDER.FILLED", "PORTFOLIO_ORDER.CANCELLED")
RUN_SECONDS_MAX = 60.0

WEIGHTS = {
    "IE00B4L5Y983": Decimal("0.333333"),
    "IE00BKM4GZ66": Decimal("0.222222"),
    "IE00B3F81R35": Decimal("0.166667"),
    "DE0007164600": Decimal("0.166667"),
    "NL0010273215": Decimal("0.111111"),
}
"""Three funds and two shares, in parts that leave cents over: MSCI World, emerging markets, bonds, SAP, ASML."""

USER: Mapping[str, Any] = {
    "first_name": "Ada",
    "last_name": "Example",
    "birth_date": "1990-12-10",
    "nationalities": ["DE"],
    "address": {"address_line1": "Unter den Linden 1", "postcode": "10117", "city": "Berlin", "country": "DE"},
    "email": "ada@example.com",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The user's PORTFOLIO account."""

    user_id: UUID
    account_group_id: UUID
    account_id: UUID


async def run_demo(narrator: Narrator) -> bool:
    """Run the whole demo; whether every proof holds. Raises DemoFailed."""
    narrator.begin()
    began = monotonic()
    with TemporaryDirectory(prefix="orderlane-demo-") as name:
        folder = Path(name)
        async with started_receiver(folder) as receiver, started_service(folder) as service:
            receiver_url = str((await receiver.wait_for("listening"))["listening"])
            secret = _credentials(await service.wait_for("event", "client_created"))
            url = str((await service.wait_for("event", "listening"))["url"])
            narrator.running(url, receiver_url, monotonic() - began)
            async with OrderlaneClient(url, secret["client_id"], secret["client_secret"]) as client:
                return await _within_limit(client, receiver, receiver_url, narrator)


def _credentials(created: Mapping[str, Any]) -> dict[str, str]:
    """Id and secret of the first client, which the service has put into a file."""
    return msgspec.json.decode(Path(created["credentials_file"]).read_bytes(), type=dict[str, str])


async def _within_limit(client: OrderlaneClient, receiver: JsonProcess, receiver_url: str, narrator: Narrator) -> bool:
    try:
        async with asyncio.timeout(RUN_SECONDS_MAX):
            return await _travel(client, receiver, receiver_url, narrator)
    except TimeoutError:
        raise DemoFailed(f"the portfolio order was not done within {RUN_SECONDS_MAX:.0f} seconds") from None
    except ClientError as error:
        raise DemoFailed(f"the service did not do what it was asked: {error}") from error


async def _travel(client: OrderlaneClient, receiver: JsonProcess, receiver_url: str, narrator: Narrator) -> bool:
    account = await _prepare(client)
    await _subscribe(client, receiver, receiver_url)
    names = {one.isin: one.name for one in await client.instruments() if one.isin in WEIGHTS}
    narrator.prepared(Prepared(CURRENCY, DEPOSIT, AMOUNT, WEIGHTS, names))
    posted_at = monotonic()
    accepted = await client.place_portfolio_order(account.user_id, account.account_id, AMOUNT, CURRENCY, "BUY")
    narrator.accepted(accepted, monotonic() - posted_at)
    events: list[WebhookEvent] = []
    last_at = posted_at
    async for event, last_at, transit in _events(receiver, accepted):
        events.append(event)
        narrator.arrived(Arrival(event, last_at - posted_at, transit))
    proven = proofs(await _evidence(client, receiver, account, accepted, events))
    narrator.proven(proven, last_at - posted_at)
    return all(one.holds for one in proven)


async def _prepare(client: OrderlaneClient) -> Account:
    """A user with a funded account that follows the allocation.

    The deposit is only accepted when this returns; what is placed after it is decided after it, in the account's lane.
    """
    user = await client.create_user(**USER)
    group = await client.create_account_group(user.id)
    account = await client.create_account(user.id, group.id, "PORTFOLIO", name="Ada's portfolio")
    allocation = await client.create_allocation("Three funds and two shares", WEIGHTS)
    await client.configure(account.id, allocation.id)
    await client.deposit(account.id, DEPOSIT, CURRENCY)
    return Account(user.id, group.id, account.id)


async def _subscribe(client: OrderlaneClient, receiver: JsonProcess, receiver_url: str) -> None:
    """Have the events sent to the receiver, which is told whose signatures to trust."""
    webhook = await client.create_webhook("demo", receiver_url, TOPICS, delay="0s")
    await receiver.write({"keys": await client.verify_keys(), "secrets": [webhook.secret]})


async def _events(receiver: JsonProcess, accepted: PortfolioOrder) -> AsyncIterator[tuple[WebhookEvent, float, float]]:
    """The events of the portfolio order up to its last: when each came, and how long after its transition."""
    while True:
        line = await receiver.read()
        if "refused" in line:
            raise DemoFailed(f"the receiver has refused a request: {line['refused']}")
        event = msgspec.convert(line["event"], WebhookEvent)
        if event.portfolio_order_id == accepted.id:
            yield event, line["received_at"], line["seconds_since_transition"]
        if event.type in LAST_EVENTS:
            return


async def _evidence(
    client: OrderlaneClient,
    receiver: JsonProcess,
    account: Account,
    accepted: PortfolioOrder,
    events: list[WebhookEvent],
) -> Evidence:
    portfolio_order = await client.portfolio_order(accepted.id)
    orders = [await client.order(one.id) for one in portfolio_order.orders]
    positions = await client.positions(account.account_id)
    cash = await client.cash_balance(account.account_group_id)
    await receiver.end_input()
    received = await receiver.wait_for("requests")
    return Evidence(
        events=events,
        requests=received["requests"],
        refused=received["refused"],
        deposit=DEPOSIT,
        portfolio_order=portfolio_order,
        orders=orders,
        positions=positions,
        cash=cash,
    )
