"""Whatever can be made of the OpenAPI document is sent to a started service, signed and with a token.

No answer may be a server error, or have a status, media type, header or body that the document does not tell; no body
that the document forbids may be accepted. ORDERLANE_HYPOTHESIS=thorough looks longer.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from orderlane.api.operations import Operation
from orderlane.api.routes import OPERATIONS
from tests.system.integrators import (
    SCOPES,
    Integrator,
    answered,
    configured,
    environment_of,
    new_client,
    new_key_pair,
)
from tests.system.investors import PERSON
from tests.system.processes import running_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

IS_THOROUGH = os.environ.get("ORDERLANE_HYPOTHESIS") == "thorough"
EXAMPLES = 60 if IS_THOROUGH else 12
EXAMPLES_ARE_FIXED = not IS_THOROUGH
ISIN = "IE00B4L5Y983"
LISTED = sorted((one for one in OPERATIONS if one.is_listed), key=lambda one: one.method == "DELETE")
SECONDS_MAX = 30
CHECKS: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# The signing client always sends these itself.
SENT_ANYWAY = {"upvest-api-version", "upvest-client-id"}


@dataclass(frozen=True)
class Target:
    """A started service, its document, who calls it, and things that are really there, by the name of their id."""

    schema: Any
    auth: Any
    known: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    folder = tmp_path_factory.mktemp("schemathesis")
    async with running_service(folder, ORDERLANE_TOKEN_REQUESTS_PER_MINUTE="1000000") as service:
        pair = new_key_pair(folder, "P-256")
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        client = await new_client(service, *scopes, "--require-signatures", "--public-key", pair.public)
        integrator = configured(environment_of(service.url, client, pair, as_file=True))
        document = await asyncio.to_thread(integrator.get, "/openapi.json")
        schema = schemathesis.openapi.from_dict(without_what_is_sent_anyway(document))
        schema.config.update(base_url=service.url)
        schema.config.generation.update(with_security_parameters=False)
        yield Target(schema, integrator.auth, await asyncio.to_thread(made, integrator))


def made(client: Integrator) -> dict[str, str]:
    """One of everything, with a portfolio order that went all the way."""
    user_id = client.post("/users", PERSON)["id"]
    group_id = client.post("/account_groups", {"user_id": user_id, "type": "PERSONAL"})["id"]
    account = {"user_id": user_id, "account_group_id": group_id, "type": "PORTFOLIO"}
    account_id = client.post("/accounts", account)["id"]
    client.post(f"/accounts/{account_id}/deposits", {"amount": "1000.00", "currency": "EUR"}, 202)
    weight = {"instrument_id": ISIN, "instrument_id_type": "ISIN", "weight": "1"}
    allocation_id = client.post("/portfolios/allocations", {"name": "one", "allocation": [weight]})["id"]
    client.post("/portfolios/configurations", {"account_id": account_id, "allocation_id": allocation_id})
    wanted = {"user_id": user_id, "account_id": account_id, "cash_amount": "10.00", "currency": "EUR", "side": "BUY"}
    path = f"/portfolios/orders/{client.post('/portfolios/orders', wanted, 202)['id']}"
    placed = client.poll(path, "status", "FILLED", "SETTLED")
    order = client.get(f"/orders/{placed['orders'][0]['id']}")
    subscription = {"title": "one", "url": "https://hooks.example.com/orderlane"}
    webhook_id = answered(client.send("POST", "/webhooks", json=subscription), 201)["id"]
    return {
        "user_id": user_id,
        "account_group_id": group_id,
        "account_id": account_id,
        "allocation_id": allocation_id,
        "portfolio_order_id": placed["id"],
        "order_id": order["id"],
        "execution_id": order["executions"][0]["id"],
        "webhook_id": webhook_id,
        "instrument_id": ISIN,
        "isin": ISIN,
        "code": "not_found",
    }


def without_what_is_sent_anyway(document: dict[str, Any]) -> dict[str, Any]:
    for call in (call for methods in document["paths"].values() for call in methods.values()):
        call["parameters"] = [one for one in call["parameters"] if one["name"] not in SENT_ANYWAY]
    return document


def name_of(one: Operation) -> str:
    return f"{one.method} {one.path}"


def can_be_wrong(one: Operation) -> bool:
    """Whether a request can break the document at all."""
    return bool(one.body or one.query or one.idempotent or any(kind is not str for kind in one.parameters.values()))


@pytest.mark.parametrize("one", LISTED, ids=name_of)
async def test_every_answer_is_documented(target: Target, one: Operation) -> None:
    strategy = target.schema[one.path][one.method].as_strategy()

    await asyncio.to_thread(send_examples, target, strategy, CHECKS)


@pytest.mark.parametrize("one", [one for one in LISTED if can_be_wrong(one)], ids=name_of)
async def test_every_refusal_is_documented(target: Target, one: Operation) -> None:
    strategy = target.schema[one.path][one.method].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    # of a query, what is wrong may vanish on its way into the address: an empty list, say
    rejection = [checks.negative_data_rejection] if one.body is not None and one.query is None else []

    await asyncio.to_thread(send_examples, target, strategy, CHECKS + rejection)


@pytest.mark.parametrize("one", [one for one in LISTED if one.parameters], ids=name_of)
async def test_what_is_there_is_answered_as_documented(target: Target, one: Operation) -> None:
    known = {name: target.known[name] for name in one.parameters}
    strategy = target.schema[one.path][one.method].as_strategy(path_parameters=known)

    statuses = await asyncio.to_thread(send_examples, target, strategy, CHECKS)

    assert 401 not in statuses
    assert 404 not in statuses or one.method == "DELETE"


def send_examples(target: Target, strategy: Any, conformance: list[Any]) -> set[int]:
    """Send what the strategy draws; the statuses of the answers."""
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES_ARE_FIXED,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def send(case: Any) -> None:
        answer = case.call_and_validate(auth=target.auth, checks=conformance, timeout=SECONDS_MAX)
        statuses.add(answer.status_code)

    send()
    return statuses
