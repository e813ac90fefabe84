"""Requests that nobody sends by accident: odd bytes, odd headers, odd JSON. Refused, never a mistake of ours."""

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.database.http.onboarding import USER

DEEP = 8_000


@pytest.fixture
async def token(api: Any) -> str:
    value: str = await api.token(await api.new_client())
    return value


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["upvest-request-id"]
    document: dict[str, Any] = answer.json()
    return document


def user(**changes: Any) -> bytes:
    return json.dumps({**USER, **changes}).encode()


BODIES: dict[str, bytes] = {
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a deep unknown field": b'{"unknown":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a deep known field": b'{"first_name":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "an unknown field, then no JSON": b'{"unknown": 1, !!!',
    "a wrong type, then no JSON": b'{"first_name": 1, !!!',
    "a wrong type, then not UTF-8": b'{"first_name": 1, "last_name": "\xff"}',
    "a NUL": user(first_name="Ada\0"),
    "a NUL deep inside": user(address={**USER["address"], "city": "Ber\0lin"}),
    "half a surrogate": user(first_name="x").replace(b'"x"', b'"\\ud800"'),
    "half a surrogate in a name": b'{"\\ud800": 1}',
    "a newline at the end": user(nationalities=["DE\n"]),
    "a date that is none": user(birth_date="2023-02-30"),
    "a date before all dates": user(birth_date="0000-01-01"),
    "a time that is none": user(fatca={"status": False, "confirmed_at": "2026-01-01T25:00:00Z"}),
    "a number where text is wanted": user(first_name=1e308),
    "not a number": b'{"first_name": NaN}',
    "a huge number": b'{"first_name": ' + b"9" * 10_000 + b"}",
    "not UTF-8": b'{"first_name": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"first_name": "Ada"}'.encode("utf-16"),
    "nothing": b"",
    "a member twice": user().replace(b"{", b'{"first_name": "Eve", ', 1),
    "a member twice, once with escapes": user().replace(b"{", b'{"first\\u005fname": "Eve", ', 1),
    "a member twice, deep inside": user(address=USER["address"]).replace(b'"city"', b'"city": "Rome", "city"'),
    "something behind the end": user() + b"x",
    "arrays that never end": b"[" * 60_000,
    "a lone quote": b'"',
    "many unknown fields": json.dumps({f"field {number}": 1 for number in range(2_000)}).encode(),
}


async def test_odd_bodies_are_refused_and_nothing_is_stored(api: Any, token: str) -> None:
    http = await api.anonymous()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    for kind, body in BODIES.items():
        answer = await http.post("/users", content=body, headers={**headers, "idempotency-key": api.new_id()})
        assert answer.status_code == 400, (kind, answer.status_code, answer.text[:500])
        problem(answer, 400)
    assert (await http.get("/users", headers=headers)).json()["meta"]["total_count"] == 0


HEADERS: dict[str, tuple[list[tuple[bytes, bytes]], int]] = {
    "a token in Latin-1": ([(b"authorization", b"Bearer \xff\xfe")], 401),
    "an idempotency key in Latin-1": ([(b"idempotency-key", b"\xff" * 36)], 400),
    "a version in Latin-1": ([(b"upvest-api-version", b"\xb9")], 400),
    "two versions": ([(b"upvest-api-version", b"1"), (b"upvest-api-version", b"2")], 400),
    "two hosts": ([(b"host", b"a"), (b"host", b"b")], 400),
    "two idempotency keys": ([(b"idempotency-key", b"a" * 32), (b"idempotency-key", b"b" * 32)], 400),
    "two content types": ([(b"content-type", b"application/json"), (b"content-type", b"text/plain")], 400),
    "a client id that is none": ([(b"upvest-client-id", b"\xff")], 401),
    "a page is wanted": ([(b"accept", b"text/html")], 406),
    "a signature that is nonsense": ([(b"signature", b"\xff"), (b"signature-input", b"\x80=()")], 401),
    "a signature without an input": ([(b"signature", b"sig1=:AAAA:")], 401),
    "an input without a signature": ([(b"signature-input", b'sig1=();keyid="a"')], 401),
    "a very long input": (
        [(b"signature-input", b"sig1=(" + b'"a" ' * 4000 + b")"), (b"signature", b"sig1=:AAAA:")],
        401,
    ),
}


async def test_a_member_that_stands_twice_is_named_with_its_place(api: Any, token: str) -> None:
    http = await api.anonymous()
    text = BODIES["a member twice, deep inside"].replace(b'"last_name"', b'"last_name": "Byron", "last_name"')
    head = {"authorization": f"Bearer {token}", "content-type": "application/json", "idempotency-key": api.new_id()}
    document = problem(await http.post("/users", content=text, headers=head), 400)

    assert document["type"] == "http://127.0.0.1:8080/errors/invalid_body"
    assert sorted(wrong["field"] for wrong in document["errors"]) == ["address.city", "last_name"]
    assert {wrong["message"] for wrong in document["errors"]} == {"stands twice"}


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "GZIP"])
async def test_a_coded_body_is_refused_with_what_is_right(api: Any, token: str, coding: str) -> None:
    http = await api.anonymous()
    head = {"authorization": f"Bearer {token}", "content-type": "application/json", "idempotency-key": api.new_id()}
    answer = await http.post("/users", content=gzip.compress(user()), headers={**head, "content-encoding": coding})
    plain = await http.post("/users", content=user(), headers={**head, "content-encoding": "identity"})

    document = problem(answer, 415)
    assert document["errors"][0]["field"] == "content-encoding"
    assert answer.headers["accept-encoding"] == "identity"
    assert plain.status_code == 200


OTHER_PATHS = [
    b"//portfolios/orders",
    b"/portfolios//orders",
    b"/portfolios/orders/",
    b"/portfolios%2Forders",
    b"/portfolios/order%73",
    b"/%70ortfolios/orders",
    b"/./portfolios/orders",
    b"/portfolios/./orders",
    b"/x/../portfolios/orders",
    b"/portfolios/orders/.",
    b"/portfolios/orders/..",
    b"/portfolios/orders/x/..",
    b"/portfolios/orders/%2e%2e",
    b"/portfolios/orders/0190163d-8694-739b-aea5-966c26f8ad9%31",
    b"/portfolios/orders;a",
    b"/Portfolios/orders",
]


@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"HEAD", b"POST"])
async def test_a_path_that_is_not_sent_as_declared_is_another_path(api: Any, token: str, method: bytes) -> None:
    """A proxy that authorises by path must not see another path than the one that is served."""
    head = [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())]
    for target in OTHER_PATHS:
        answer = await sent(api.url, method, target, head)
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 405 ")), (target, answer[:300])
        assert answer.startswith(b"HTTP/1.1 404 ") or method not in (b"GET", b"HEAD"), (target, answer[:300])
    for target in (b"/portfolios/orders", b"http://localhost/portfolios/orders"):
        assert (await sent(api.url, b"GET", target, head)).startswith(b"HTTP/1.1 200 "), target


GUARDS = [b"cache-control: no-store", b"x-content-type-options: nosniff"]


async def test_every_answer_with_data_is_guarded(api: Any, token: str) -> None:
    bearer = (b"authorization", f"Bearer {token}".encode())
    for method, target, head in [
        (b"GET", b"/users", [bearer]),
        (b"HEAD", b"/users", [bearer]),
        (b"OPTIONS", b"/users", [bearer]),
        (b"GET", b"/health/live", []),
        (b"GET", b"/users", []),
        (b"GET", b"/nothing", []),
        (b"PUT", b"/users", []),
        (b"BREW", b"/users", []),
        (b"GET", b"/" + b"x" * 60_000, []),
        (b"GET", b"/users", [(b"a", b"x" * 60_000)]),
    ]:
        answer = await sent(api.url, method, target, [(b"host", b"localhost"), *head])
        lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
        assert [lines.count(guard) for guard in GUARDS] == [1, 1], (method, target[:20], lines)
        assert len({line.partition(b":")[0] for line in lines}) == len(lines), lines


async def test_keys_are_kept_briefly_and_pages_by_their_own_policy(api: Any) -> None:
    keys = await api.http.get("/auth/verify_keys")
    page = await api.http.get("/docs", headers={"accept": "*/*"})

    assert keys.headers.get_list("cache-control") == ["private, max-age=300"]
    assert keys.headers["x-content-type-options"] == "nosniff"
    assert "cache-control" not in page.headers
    assert page.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_what_no_route_has_is_logged_with_method_and_path(api: Any) -> None:
    head = [(b"host", b"localhost")]
    with capture_logs() as lines:
        await sent(api.url, b"GET", b"/portfolios/orders/1/cancel?token=secret", head)
        await sent(api.url, b"PATCH", b"/users", head)
        await sent(api.url, b"GET", b"/" + b"x" * 5_000 + b"%0A", head)
        await sent(api.url, b"GET", b"/users/1", head)

    told = [(line["method"], line["route"], line["path"], line["status"]) for line in lines]
    assert told == [
        ("GET", "none", "/portfolios/orders/1/cancel", 404),
        ("PATCH", "none", "/users", 405),
        ("GET", "none", "/" + "x" * 198 + "…", 404),
        ("GET", "/users/{user_id}", "/users/1", 401),
    ]


async def test_odd_headers_are_refused(api: Any, token: str) -> None:
    for kind, (lines, status) in HEADERS.items():
        usual = {
            b"host": b"localhost",
            b"authorization": f"Bearer {token}".encode(),
            b"content-type": b"application/json",
            b"idempotency-key": api.new_id().encode(),
        }
        named = {name for name, _ in lines}
        head = [*((name, value) for name, value in usual.items() if name not in named), *lines]
        answer = await sent(api.url, b"POST", b"/users", head, json.dumps(USER).encode())
        assert answer.startswith(b"HTTP/1.1 %d " % status), (kind, answer[:300])
        assert b"application/problem+json" in answer
    usual[b"idempotency-key"] = api.new_id().encode()
    assert (await sent(api.url, b"POST", b"/users", [*usual.items()], json.dumps(USER).encode())).startswith(
        b"HTTP/1.1 200 "
    )


TARGETS = [
    b"/users/..%2f..%2fetc%2fpasswd",
    b"/users/%00",
    b"/users/%zz",
    b"/users/%ff%fe",
    b"/users/%2e%2e/auth/token",
    b"//users",
    b"/users//",
    b"/./users",
    b"/users;admin=1",
    b"/accounts/%00/positions/%00",
    b"/instruments/%00%00%00%00%00%00%00%00%00%00%00%00",
    b"/instruments/DE0007164600%0A",
    b"*",
    b"/users?limit=%00",
    b"/users?limit=1%00",
    b"/users?offset=99999999999999999999",
    b"/users?sort=created_at;DROP%20TABLE%20users",
    b"/users?order=asc%27--",
    b"/users?" + b"&".join(b"a%d=1" % number for number in range(2000)),
    b"/portfolios/orders?client_reference=%00",
    b"/portfolios/orders?start_date=0001-01-01&end_date=9999-12-31",
    b"/portfolios/orders?start_date=0001-01-01T00:00:00%2B14:00",
    b"/portfolios/orders?end_date=9999-12-31T23:59:59-14:00",
    b"/portfolios/allocations?instrument_ids=" + b",".join([b"DE0007164600"] * 5000),
]


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS", b"HEAD", b"TRACE", b"BREW"])
async def test_odd_targets_and_methods_are_answered(api: Any, token: str, method: bytes) -> None:
    for target in TARGETS:
        head = [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())]
        answer = await sent(api.url, method, target, head)
        status = int(answer.split(b" ", 2)[1])
        assert 200 <= status < 500, (method, target, answer[:300])
        assert b"location" not in answer.lower().partition(b"\r\n\r\n")[0], target


async def sent(url: str, method: bytes, target: bytes, head: list[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """Send exactly these bytes; the whole answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [b"%s: %s\r\n" % line for line in head]
    length = b"content-length: %d\r\n" % len(body) if body else b""
    writer.write(b"%s %s HTTP/1.1\r\n%s%sconnection: close\r\n\r\n%s" % (method, target, b"".join(lines), length, body))
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
