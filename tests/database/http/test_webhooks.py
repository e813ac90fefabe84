"""Webhook subscriptions over HTTP: made, read, changed, tested, deleted; by their owner only."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import standardwebhooks
from aiohttp import web

from orderlane.api.options import ApiOptions
from orderlane.http_signatures import PublicKey, verify_webhook
from orderlane.resources.webhooks import PACKAGE_SIZE_DEFAULT
from tests.database.conftest import running_api
from tests.database.webhooks.receivers import Received, Receiver, answering, receiving

WANTED = {"title": "Orders", "url": "https://hooks.example.com/orderlane", "type": ["ORDER", "PORTFOLIO_ORDER"]}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def created(api: Any, **fields: Any) -> dict[str, Any]:
    answer = await api.http.post("/webhooks", json={**WANTED, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_new_subscription_and_its_defaults(api: Any) -> None:
    made = await created(api)

    assert {name: made[name] for name in WANTED} == WANTED
    assert made["enabled"] is False
    assert made["config"] == {"delay": "0s", "max_package_size": PACKAGE_SIZE_DEFAULT}
    assert (made["exclude_type"], made["disabled_reason"]) == ([], None)
    assert made["secret"].startswith("whsec_")
    assert made["created_at"] == made["updated_at"]
    assert (await api.http.get(f"/webhooks/{made['id']}")).json() == made


async def test_everything_is_subscribed_to_unless_said_otherwise(api: Any) -> None:
    made = (await api.http.post("/webhooks", json={"title": "All", "url": WANTED["url"]})).json()

    assert made["type"] == ["ALL"]


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"title": ""}, 400, "title"),
        ({"title": "x" * 101}, 400, "title"),
        ({"title": None}, 400, "title"),
        ({"url": "https://hooks.example.com/" + "x" * 1000}, 400, "url"),
        ({"url": "ftp://hooks.example.com"}, 422, "url"),
        ({"url": "https://10.0.0.1/"}, 422, "url"),
        ({"url": "https://user:pw@hooks.example.com/"}, 422, "url"),
        ({"type": []}, 400, "type"),
        ({"type": ["ORDERS"]}, 400, "type"),
        ({"type": "ALL"}, 400, "type"),
        ({"exclude_type": ["ALL"], "type": ["ALL"]}, 400, "exclude_type"),
        ({"exclude_type": ["POSITION"]}, 422, "exclude_type"),
        ({"config": {"delay": "31s"}}, 400, "delay"),
        ({"config": {"delay": "1m"}}, 400, "delay"),
        ({"config": {"delay": "05s"}}, 400, "delay"),
        ({"config": {"delay": 5}}, 400, "delay"),
        ({"config": {"max_package_size": 99}}, 400, "max_package_size"),
        ({"config": {"max_package_size": 1_048_577}}, 400, "max_package_size"),
        ({"enabled": "yes"}, 400, "enabled"),
        ({"secret": "whsec_mine"}, 400, "secret"),
        ({"unknown": 1}, 400, "unknown"),
    ],
)
async def test_wrong_fields_are_named_and_nothing_is_stored(
    api: Any, fields: dict[str, Any], status: int, field: str
) -> None:
    answer = await api.http.post("/webhooks", json={**WANTED, **fields})

    assert answer.status_code == status, answer.text
    assert any(field in error["field"] for error in answer.json()["errors"])
    assert (await api.http.get("/webhooks")).json()["meta"]["total_count"] == 0


async def test_the_whole_object_may_be_sent_to_change_some_of_it(api: Any) -> None:
    made = await created(api, type=["ALL"])
    whole = {
        **made,
        "title": "Everything but positions",
        "exclude_type": ["POSITION"],
        "enabled": True,
        "config": {"delay": "30s", "max_package_size": 10_240},
    }

    changed = (await api.http.patch(f"/webhooks/{made['id']}", json=whole)).json()

    del whole["warnings"]  # it is enabled now
    assert changed == {**whole, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    assert (await api.http.get(f"/webhooks/{made['id']}")).json() == changed


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another"},
        {"url": "https://other.example.com/"},
        {"type": ["ORDER"]},
        {"enabled": True},
        {"config": {"delay": "7s"}},
        {"config": {"max_package_size": 500}},
        {},
    ],
)
async def test_what_is_not_named_stays(api: Any, change: dict[str, Any]) -> None:
    made = await created(api)

    changed = (await api.http.patch(f"/webhooks/{made['id']}", json=change)).json()

    config = {**made["config"], **change.get("config", {})}
    if "enabled" in change:
        del made["warnings"]
    assert changed == {**made, **change, "config": config, "updated_at": changed["updated_at"]}


async def test_a_change_that_does_not_fit_changes_nothing(api: Any) -> None:
    made = await created(api)

    for change, status in (
        ({"url": "https://localhost.local:22/"}, 422),
        ({"exclude_type": ["ORDER"]}, 422),
        ({"x": 1}, 400),
    ):
        assert (await api.http.patch(f"/webhooks/{made['id']}", json=change)).status_code == status
    assert (await api.http.get(f"/webhooks/{made['id']}")).json() == made


async def test_lists_are_sorted_and_paged(api: Any) -> None:
    titles = ["b", "c", "a"]
    for title in titles:
        await created(api, title=title)

    by_title = (await api.http.get("/webhooks", params={"sort": "title", "order": "DESC", "limit": 2})).json()

    assert [one["title"] for one in by_title["data"]] == ["c", "b"]
    assert by_title["meta"]["total_count"] == 3
    assert [one["title"] for one in (await api.http.get("/webhooks")).json()["data"]] == titles
    assert (await api.http.get("/webhooks", params={"sort": "secret"})).status_code == 400


async def test_a_deleted_subscription_is_gone(api: Any) -> None:
    made = await created(api)

    deleted = await api.http.delete(f"/webhooks/{made['id']}")

    assert (deleted.status_code, deleted.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert (await api.http.request(method, f"/webhooks/{made['id']}")).status_code == 404


async def test_another_clients_subscription_is_not_there(api: Any) -> None:
    made = await created(api)
    stranger = await api.session()
    path = f"/webhooks/{made['id']}"

    calls = [
        ("GET", path, None),
        ("PATCH", path, {"title": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
    ]
    for method, target, body in calls:
        assert (await stranger.request(method, target, json=body)).status_code == 404, (method, target)
    assert (await stranger.get("/webhooks")).json()["data"] == []
    assert (await api.http.get(path)).json() == made


async def test_the_secret_is_shown_to_admins_only(api: Any) -> None:
    made = await created(api)
    credentials = await api.new_client()
    admin, reading = await api.session(credentials), await api.session(credentials, "webhooks:read")
    own = (await admin.post("/webhooks", json=WANTED)).json()

    assert "secret" in (await admin.get(f"/webhooks/{own['id']}")).json()
    assert "secret" not in (await reading.get(f"/webhooks/{own['id']}")).json()
    assert all("secret" not in one for one in (await reading.get("/webhooks")).json()["data"])
    assert (await reading.post("/webhooks", json=WANTED)).status_code == 403
    assert (await reading.post(f"/webhooks/{own['id']}/test")).status_code == 403
    assert made["secret"] != own["secret"]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_test_call_is_a_real_signed_request(api: Any, receiver: Receiver, method: str) -> None:
    made = await created(api, url=f"{receiver.url}/hooks")
    keys = (await api.http.get("/auth/verify_keys")).json()["keys"]

    tested = await api.http.request(method, f"/webhooks/{made['id']}/test")

    assert tested.status_code == 200
    (received,) = receiver.received
    assert tested.json()["url"] == made["url"]
    assert tested.json()["response"]["status"] == 204
    standardwebhooks.Webhook(made["secret"]).verify(received.body, received.headers)
    verify_webhook(
        received.headers, received.body, api.sources.clock.now(), keys=[PublicKey.from_jwk(key) for key in keys]
    )
    (event,) = received.events
    assert (event["type"], event["webhook_id"], event["sequence"]) == ("WEBHOOK.TEST", made["id"], None)


async def test_a_test_call_tells_what_the_receiver_answered(api: Any, receiver: Receiver) -> None:
    made = await created(api, url=receiver.url)
    receiver.answers = [answering(418, x_kind="teapot")]

    tested = (await api.http.post(f"/webhooks/{made['id']}/test")).json()

    assert (tested["response"]["status"], "error" in tested) == (418, False)
    assert tested["response"]["headers"]["x-kind"] == "teapot"


async def test_a_test_call_tells_why_no_answer_came(api: Any) -> None:
    async with receiving() as receiver:
        url = receiver.url
    made = await created(api, url=url)

    tested = (await api.http.post(f"/webhooks/{made['id']}/test")).json()

    assert tested == {
        "url": url,
        "error": {
            "code": "connection_refused",
            "message": "the receiver's host refuses connections to this port",
        },
    }


async def test_a_client_has_a_bounded_number_of_test_calls_at_once(api: Any, receiver: Receiver) -> None:
    made = await created(api, url=receiver.url)
    goes_on = asyncio.Event()

    async def later(_: Received) -> web.Response:
        await goes_on.wait()
        return web.Response(status=204)

    receiver.otherwise = later
    path = f"/webhooks/{made['id']}/test"
    calls = [asyncio.create_task(api.http.post(path)) for _ in range(4)]
    await receiver.until_received(4)

    refused = await api.http.post(path)
    assert (refused.status_code, refused.json()["type"]) == (429, "http://127.0.0.1:8080/errors/rate_limited")
    assert refused.json()["detail"].startswith("4 test calls of this client are under way, which is the limit")
    assert 1 <= int(refused.headers["retry-after"]) <= 15
    other = await api.session()
    theirs = (await other.post("/webhooks", json={**WANTED, "url": receiver.url})).json()
    calls.append(asyncio.create_task(other.post(f"/webhooks/{theirs['id']}/test")))
    await receiver.until_received(5)

    goes_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}
    assert (await api.http.post(path)).status_code == 200


async def test_a_client_has_a_bounded_number_of_subscriptions(dsn: str) -> None:
    options = ApiOptions(token_requests_per_minute=10_000, webhooks_per_client=3)
    async with running_api(dsn, options) as api:
        answers = await asyncio.gather(*(api.http.post("/webhooks", json=WANTED) for _ in range(8)))
        other = await api.session()

        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
        [detail] = {answer.json()["detail"] for answer in answers if answer.status_code == 409}
        assert detail.startswith("this client has 3 webhook subscriptions, and the limit is 3")
        assert (await other.post("/webhooks", json=WANTED)).status_code == 201
        made = next(answer.json() for answer in answers if answer.status_code == 201)
        assert (await api.http.patch(f"/webhooks/{made['id']}", json={"enabled": True})).status_code == 200
        assert (await api.http.delete(f"/webhooks/{made['id']}")).status_code == 204
        assert (await api.http.post("/webhooks", json=WANTED)).status_code == 201


async def test_a_subscription_that_gets_nothing_says_so(api: Any) -> None:
    made = await created(api)
    path = f"/webhooks/{made['id']}"
    warning = {
        "field": "enabled",
        "message": 'is false: events wait and nothing is sent; PATCH it with "enabled": true',
    }

    assert made["warnings"] == [warning]
    assert (await api.http.get(path)).json()["warnings"] == [warning]
    assert (await api.http.get("/webhooks")).json()["data"][0]["warnings"] == [warning]
    assert (await api.http.patch(path, json={"title": "x"})).json()["warnings"] == [warning]
    assert "warnings" not in (await api.http.patch(path, json={"enabled": True})).json()
    assert "warnings" not in await created(api, enabled=True)


async def test_a_category_in_another_case_is_recognized(api: Any) -> None:
    answer = await api.http.post("/webhooks", json={**WANTED, "type": ["order", "ORDERS"]})

    messages = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert messages["type[0]"] == "must be ORDER, in capital letters"
    assert messages["type[1]"].startswith("must be one of ALL, ACCOUNT, ")


async def test_verify_keys_are_a_json_web_key_set(api: Any) -> None:
    first, second = [(await api.http.get("/auth/verify_keys")).json() for _ in range(2)]

    (key,) = first["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert UUID(key["kid"])
    assert first == second
    anonymous = await api.anonymous()
    assert (await anonymous.get("/auth/verify_keys")).status_code == 401


async def test_attempts_are_listed_the_newest_first_if_wanted(api: Any, connection: Any) -> None:
    made = await created(api)
    package, events = api.new_id(), [api.new_id(), api.new_id()]
    for number, status, error in ((1, 500, "failed"), (2, 204, None)):
        sent_at = api.sources.clock.now()
        row = (api.new_id(), UUID(made["id"]), package, number, sent_at, 12, status, error, 99, events)
        await connection.copy_records_to_table("webhook_attempts", records=[row])

    listed = (await api.http.get(f"/webhooks/{made['id']}/deliveries", params={"order": "DESC"})).json()

    assert [(one["attempt"], one["status"], one["error_code"]) for one in listed["data"]] == [
        (2, 204, None),
        (1, 500, "failed"),
    ]
    assert listed["data"][0]["event_ids"] == [str(one) for one in events]
    assert {one["package_id"] for one in listed["data"]} == {str(package)}
    assert listed["meta"]["total_count"] == 2
