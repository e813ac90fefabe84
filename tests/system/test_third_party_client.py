"""The published client of others, unchanged, walks the whole main job over HTTP against started processes.

Every request is signed, the one for the token too; the service demands it. Once with a P-256 and once with a P-521 key.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from orderlane_client import WebhookEvent, WebhookReceiver, WebhookVerifier
from tests.system.integrators import (
    CURVES,
    SCOPES,
    Integrator,
    answered,
    configured,
    environment_of,
    new_client,
    new_key_pair,
    problem,
)
from tests.system.processes import Service, running_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1985-12-10",
    "nationalities": ["GB", "DE"],
    "address": {"address_line1": "Invalidenstraße 1", "postcode": "10115", "city": "Berlin", "country": "DE"},
    "email": "ada@example.com",
    "terms_and_conditions": {
        "consent_document_id": "8ad94dd7-8ff2-4ac9-9b3c-3a3d9eb5cbd1",
        "confirmed_at": "2026-01-01T10:00:00Z",
    },
    "data_privacy_and_sharing_agreement": {
        "consent_document_id": "8ad94dd7-8ff2-4ac9-9b3c-3a3d9eb5cbd2",
        "confirmed_at": "2026-01-01T10:00:00Z",
    },
    "fatca": {"status": False, "confirmed_at": "2026-01-01T10:00:00Z"},
}
WEIGHTS = {
    "IE00B4L5Y983": "0.35",
    "IE00BKM4GZ66": "0.15",
    "LU0290358497": "0.2",
    "DE0007164600": "0.2",
    "DE0008404005": "0.1",
}
EVENT_SECONDS_MAX = 30
FILLED_EVENTS = 3 + 3 * len(WEIGHTS)


@dataclass
class Walk:
    """The main job, step by step; what each step made is there for the next."""

    integrator: Integrator
    receiver: WebhookReceiver
    made: dict[str, Any] = field(default_factory=dict)

    def onboard(self) -> None:
        """Users, account groups, accounts; the first call fetches the token."""
        call = self.integrator
        assert call.get("/users", limit=2, offset=0)["data"] == []
        key = str(uuid4())
        first = call.send("POST", "/users", key=key, json=USER)
        again = call.send("POST", "/users", key=key, json=USER)
        user = answered(first, 200)
        assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
        assert call.get(f"/users/{user['id']}") == user
        group = call.post("/account_groups", {"user_id": user["id"], "type": "PERSONAL"})
        self.made.update(user_id=user["id"], group_id=group["id"])
        wanted = {"user_id": user["id"], "account_group_id": group["id"], "type": "PORTFOLIO", "name": "Rücklage & Co"}
        self.made["account_id"] = call.post("/accounts", wanted)["id"]
        self.made["spare_account_id"] = call.post("/accounts", {**wanted, "name": ""})["id"]
        page = call.get("/accounts", user_id=user["id"], limit=1, offset=1, sort="created_at", order="ASC")
        assert [one["id"] for one in page["data"]] == [self.made["spare_account_id"]]
        assert page["meta"] == {
            "offset": 1, "limit": 1, "count": 1, "total_count": 2, "sort": "created_at", "order": "ASC"
        }  # fmt: skip
        assert call.get(f"/users/{user['id']}/account_groups")["data"] == [group]
        assert call.get("/account_groups")["meta"]["total_count"] == 1

    def fund(self) -> None:
        """A deposit, seen in the cash balance."""
        call, account = self.integrator, self.made["account_id"]
        call.post(f"/accounts/{account}/deposits", {"amount": "1500.00", "currency": "EUR"}, 202)
        balance = call.poll(f"/account_groups/{self.made['group_id']}/payments/cash_balance", "balance", "1500.00")
        assert balance["available_for_trading"] == "1500.00"

    def configure(self) -> None:
        """Instruments, allocations with PUT, configurations with PATCH and DELETE."""
        call, made = self.integrator, self.made
        listed = call.get("/instruments", limit=3, offset=1, sort="name", order="DESC")["data"]
        assert listed == sorted(listed, key=lambda one: one["name"], reverse=True)
        assert call.get(f"/instruments/{listed[0]['isin']}") == listed[0]
        assert call.get(f"/instruments/{listed[0]['id']}") == listed[0]
        first, *rest = WEIGHTS
        made["allocation_id"] = call.post("/portfolios/allocations", allocation({first: "1"}))["id"]
        path = f"/portfolios/allocations/{made['allocation_id']}"
        replaced = answered(call.send("PUT", path, json=allocation(WEIGHTS)), 200)
        assert call.get(path) == replaced
        found = call.get("/portfolios/allocations", start_date="2021-01-01", instrument_ids=",".join((first, rest[0])))
        assert found["data"] == [replaced]
        other_id = call.post("/portfolios/allocations", allocation({first: "50", rest[0]: "50"}))["id"]
        for account in ("account_id", "spare_account_id"):
            configuration = {"account_id": made[account], "allocation_id": other_id}
            call.post("/portfolios/configurations", configuration)
        path = f"/portfolios/configurations/{made['account_id']}"
        change = {"allocation_id": made["allocation_id"]}
        changed = answered(call.send("PATCH", path, is_idempotent=True, json=change), 200)
        assert call.get(path) == changed
        spare = f"/portfolios/configurations/{made['spare_account_id']}"
        answered(call.send("DELETE", spare), 204)
        problem(call.send("GET", spare), 404, "not_found")
        accounts = call.get(f"/portfolios/allocations/{made['allocation_id']}/accounts")["data"]
        assert [one["id"] for one in accounts] == [made["account_id"]]

    def subscribe(self) -> None:
        """A subscription to everything, changed by sending the whole object back, tested, and verified by keys."""
        call = self.integrator
        wanted = {"title": "All of it", "url": self.receiver.url, "type": ["ALL"]}
        subscription = answered(call.send("POST", "/webhooks", json=wanted), 201)
        self.made["webhook_id"] = subscription["id"]
        keys = call.get("/auth/verify_keys")["keys"]
        self.receiver.verifier = WebhookVerifier(keys, [subscription["secret"]])
        path = f"/webhooks/{subscription['id']}"
        whole = call.get(path)
        changed = {**whole, "enabled": True, "config": {"delay": "0s", "max_package_size": 10_240}}
        patched = answered(call.send("PATCH", path, json=changed), 200)
        assert (patched["enabled"], patched["config"]["max_package_size"]) == (True, 10_240)
        tested = answered(call.send("POST", f"{path}/test"), 200)
        assert tested["url"] == self.receiver.url
        assert str(tested["response"]["status"]) == "204"
        assert [one["id"] for one in call.get("/webhooks", limit=10)["data"]] == [subscription["id"]]

    def order(self) -> None:
        """The portfolio order: accepted at once, executed soon after."""
        call = self.integrator
        wanted = {
            "user_id": self.made["user_id"],
            "account_id": self.made["account_id"],
            "cash_amount": "1000.00",
            "currency": "EUR",
            "side": "BUY",
            "client_reference": "März/2026 #1",
        }
        key = str(uuid4())
        accepted = call.send("POST", "/portfolios/orders", key=key, json=wanted)
        placed = answered(accepted, 202)
        assert (placed["status"], placed["orders"]) == ("NEW", [])
        again = call.send("POST", "/portfolios/orders", key=key, json=wanted)
        assert again.content == accepted.content
        problem(
            call.send("POST", "/portfolios/orders", key=key, json={**wanted, "cash_amount": "1.00"}),
            422,
            "idempotency_key_reused",
        )
        path = f"/portfolios/orders/{placed['id']}"
        filled = call.poll(path, "status", "FILLED", "CANCELLED")
        assert filled["status"] == "FILLED", filled["cancellation_details"]
        self.made.update(portfolio_order_id=placed["id"], order_ids=[one["id"] for one in filled["orders"]])
        by_reference = call.get("/portfolios/orders", client_reference="März/2026 #1", status="FILLED", type="BUY")
        assert by_reference["data"] == [filled]

    def reconcile(self) -> None:
        """Individual orders, executions, positions and cash agree, to the cent."""
        call, account = self.integrator, self.made["account_id"]
        orders = [call.get(f"/orders/{order_id}") for order_id in self.made["order_ids"]]
        assert sum(Decimal(one["cash_amount"]) for one in orders) == Decimal("1000.00")
        assert {one["client_reference"] for one in orders} == {self.made["portfolio_order_id"]}
        listed = call.get(f"/accounts/{account}/orders", limit=2, offset=1, sort="id", order="DESC")
        assert [one["id"] for one in listed["data"]] == sorted(self.made["order_ids"], reverse=True)[1:3]
        executions = [(order, one) for order in orders for one in order["executions"]]
        for order, execution in executions:
            assert call.get(f"/orders/{order['id']}/executions/{execution['id']}") == execution
        positions = call.get(f"/accounts/{account}/positions", sort="isin")["data"]
        assert [one["instrument"]["isin"] for one in positions] == sorted(WEIGHTS)
        for position in positions:
            isin = position["instrument"]["isin"]
            bought = sum(Decimal(one["share_quantity"]) for order, one in executions if order["instrument_id"] == isin)
            assert Decimal(position["quantity"]) == bought
            assert call.get(f"/accounts/{account}/positions/{isin}") == position
        spent = sum(Decimal(one["cash_amount"]) for _, one in executions)
        balance = call.get(f"/account_groups/{self.made['group_id']}/payments/cash_balance")
        assert Decimal(balance["balance"]) == Decimal("1500.00") - spent
        assert Decimal(balance["locked_for_trading"]) == 0
        valuation = call.get(f"/accounts/{account}/valuations/current", price_quality="EOD")
        assert sum(Decimal(one["weight"]) for one in valuation["security_positions"]) == 1

    def compare(self, events: list[WebhookEvent]) -> None:
        """What was received is every event, in order, and none of anybody else."""
        assert [one.sequence for one in events if one.sequence] == list(range(1, FILLED_EVENTS + 1))
        assert {str(one.portfolio_order_id) for one in events} == {self.made["portfolio_order_id"]}
        assert {str(one.webhook_id) for one in events} == {self.made["webhook_id"]}
        path = f"/portfolios/orders/{self.made['portfolio_order_id']}/events"
        history = self.integrator.get(path, limit=1000)["data"]
        assert [one["id"] for one in history] == [str(one.id) for one in events]

    def leave(self) -> None:
        """DELETE without a body and without an idempotency key."""
        call = self.integrator
        answered(call.send("DELETE", f"/webhooks/{self.made['webhook_id']}"), 204)
        problem(call.send("GET", f"/webhooks/{self.made['webhook_id']}"), 404, "not_found")
        assert answered(call.send("DELETE", f"/users/{self.made['user_id']}"), 202) == {"id": self.made["user_id"]}


def allocation(weights: dict[str, str]) -> dict[str, Any]:
    entries = [
        {"instrument_id": isin, "instrument_id_type": "ISIN", "weight": weight} for isin, weight in weights.items()
    ]
    return {"name": "Fünf", "allocation": entries}


async def heard(receiver: WebhookReceiver) -> list[WebhookEvent]:
    """The events of a portfolio order, in the order in which they came, up to the last."""
    events: list[WebhookEvent] = []
    async with asyncio.timeout(EVENT_SECONDS_MAX):
        while not events or events[-1].type != "PORTFOLIO_ORDER.FILLED":
            event = (await receiver.next()).event
            if event.portfolio_order_id is not None:
                events.append(event)
    return events


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with running_service(tmp_path_factory.mktemp("service"), ORDERLANE_LOG_LEVEL="warning") as service:
        yield service


@asynccontextmanager
async def ready(service: Service, folder: Path, curve: str) -> AsyncIterator[Walk]:
    """An integrator with a new client, a key on that curve, and a receiver for webhooks."""
    pair = new_key_pair(folder, curve)
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    client = await new_client(service, "--require-signatures", "--public-key", pair.public, *scopes)
    environment = environment_of(service.url, client, pair, as_file=curve == "P-256")
    async with WebhookReceiver() as receiver:
        yield Walk(configured(environment), receiver)


async def go(walk: Walk) -> None:
    """The whole main job."""
    for step in (walk.onboard, walk.fund, walk.configure, walk.subscribe, walk.order, walk.reconcile):
        await asyncio.to_thread(step)
    events = await heard(walk.receiver)
    await asyncio.to_thread(walk.compare, events)
    await asyncio.to_thread(walk.leave)


@pytest.mark.parametrize("curve", CURVES)
async def test_the_whole_main_job(service: Service, tmp_path: Path, curve: str) -> None:
    async with ready(service, tmp_path, curve) as walk:
        await go(walk)

    [token] = walk.integrator.tokens
    assert token.status_code == 200
    assert token.json()["expires_in"] > 60
    assert set(token.json()["scope"].split()) == set(SCOPES)
    assert all("signature" in sent.headers for sent in walk.integrator.sent)
    assert walk.receiver.received.refused == 0


async def test_two_integrators_at_once_hear_nothing_of_each_other(service: Service, tmp_path: Path) -> None:
    """Both subscribe to everything; each of them checks that all that it sees and hears is its own."""
    async with ready(service, tmp_path, "P-256") as first, ready(service, tmp_path, "P-521") as second:
        await asyncio.gather(go(first), go(second))
