"""Tokens, idempotency keys, repeated attempts and problems, against a server that answers what a test wants."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from orderlane_client import OrderlaneClient, Problem, ServiceUnreachable

Answer = Callable[[web.Request, int], web.Response]
PROBLEM = {
    "type": "invalid_value",
    "title": "A value is wrong",
    "status": 422,
    "detail": "the request can't be done",
    "errors": [{"field": "cash_amount", "message": "must have at most 2 decimals"}],
}


class Server:
    """Counts tokens and calls; `answer` gets each call and how many there were before."""

    def __init__(self, answer: Answer, expires_in: int = 1800) -> None:
        self.answer = answer
        self.expires_in = expires_in
        self.tokens: list[str] = []
        self.calls: list[web.Request] = []
        self.url = ""

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert (form["client_id"], form["client_secret"]) == ("me", "secret")
        self.tokens.append(f"token-{len(self.tokens)}")
        return web.json_response({"access_token": self.tokens[-1], "expires_in": self.expires_in})

    async def call(self, request: web.Request) -> web.Response:
        self.calls.append(request)
        return self.answer(request, len(self.calls) - 1)


@asynccontextmanager
async def serving(answer: Answer, **more: Any) -> AsyncIterator[Server]:
    server = Server(answer, **more)
    application = web.Application()
    application.router.add_post("/auth/token", server.token)
    application.router.add_route("*", "/{path:.*}", server.call)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def keys(_request: web.Request, _before: int) -> web.Response:
    return web.json_response({"keys": []})


async def test_one_token_serves_many_calls() -> None:
    async with serving(keys) as server, OrderlaneClient(server.url, "me", "secret") as client:
        assert [await client.verify_keys() for _ in range(3)] == [[], [], []]

        assert server.tokens == ["token-0"]
        assert {one.headers["authorization"] for one in server.calls} == {"Bearer token-0"}


async def test_a_token_about_to_expire_is_replaced() -> None:
    async with serving(keys, expires_in=5) as server, OrderlaneClient(server.url, "me", "secret") as client:
        await client.verify_keys()
        await client.verify_keys()

        assert [one.headers["authorization"] for one in server.calls] == ["Bearer token-0", "Bearer token-1"]


async def test_a_token_that_is_not_known_any_more_is_replaced_once() -> None:
    def answer(request: web.Request, before: int) -> web.Response:
        return keys(request, before) if before else web.json_response({"detail": "who?"}, status=401)

    async with serving(answer) as server, OrderlaneClient(server.url, "me", "secret") as client:
        assert await client.verify_keys() == []
        assert server.tokens == ["token-0", "token-1"]

    async with serving(lambda *_: web.Response(status=401)) as server:
        async with OrderlaneClient(server.url, "me", "secret") as client:
            with pytest.raises(Problem) as refused:
                await client.verify_keys()
        assert (refused.value.status, len(server.calls)) == (401, 2)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_another_attempt_carries_the_same_idempotency_key(status: int) -> None:
    def answer(_request: web.Request, before: int) -> web.Response:
        if before < 2:
            return web.Response(status=status)
        return web.json_response({"account_id": str(UUID(int=1)), "allocation_id": str(UUID(int=2))})

    async with serving(answer) as server, OrderlaneClient(server.url, "me", "secret") as client:
        await client.configure(UUID(int=1), UUID(int=2))

        assert len(server.calls) == 3
        assert len({one.headers["idempotency-key"] for one in server.calls}) == 1


async def test_a_call_without_idempotency_is_made_once() -> None:
    async with serving(lambda *_: web.Response(status=503)) as server:
        async with OrderlaneClient(server.url, "me", "secret") as client:
            with pytest.raises(Problem):
                await client.create_webhook("title", "https://example.com")
        assert len(server.calls) == 1


async def test_a_refusal_carries_the_problem_document() -> None:
    refusing = serving(lambda *_: web.json_response(PROBLEM, status=422))
    async with refusing as server, OrderlaneClient(server.url, "me", "secret") as client:
        with pytest.raises(Problem) as refused:
            await client.deposit(UUID(int=1), Decimal(1), "EUR")

    assert refused.value.document == PROBLEM
    assert (refused.value.status, refused.value.type) == (422, "invalid_value")
    assert str(refused.value) == "422 the request can't be done (cash_amount: must have at most 2 decimals)"


async def test_an_answer_that_is_no_problem_document_is_told_all_the_same() -> None:
    broken = serving(lambda *_: web.Response(status=500, text="<html>oops"))
    async with broken as server, OrderlaneClient(server.url, "me", "secret") as client:
        with pytest.raises(Problem, match="500 <html>oops"):
            await client.verify_keys()


async def test_nobody_there() -> None:
    async with serving(keys) as server:
        url = server.url
    async with OrderlaneClient(url, "me", "secret", retry_seconds=0.1) as client:
        with pytest.raises(ServiceUnreachable, match=r"^POST http://127\.0\.0\.1"):
            await client.verify_keys()


async def test_every_page_of_a_list_is_read() -> None:
    def answer(request: web.Request, _before: int) -> web.Response:
        offset = int(request.query["offset"])
        data = [instrument(number) for number in range(offset, min(offset + 2, 5))]
        meta = {"offset": offset, "limit": 2, "count": len(data), "total_count": 5}
        return web.json_response({"meta": meta, "data": data})

    async with serving(answer) as server, OrderlaneClient(server.url, "me", "secret") as client:
        assert [one.name for one in await client.instruments()] == ["0", "1", "2", "3", "4"]
        assert len(server.calls) == 3


def instrument(number: int) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "isin": "IE00B4L5Y983",
        "name": str(number),
        "fractional_trading": True,
        "trading_status": "ACTIVE",
        "of a later version": True,
    }
