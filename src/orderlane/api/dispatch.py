"""From a declared operation to the Litestar handler that serves it, and from a request to its answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any

from litestar import HttpMethod, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Send

from orderlane.api.answers import Answer, json_answer, send_answer
from orderlane.api.auth.gate import check_scope
from orderlane.api.decoding import body_decoder, path_decoder, query_decoder
from orderlane.api.error_map import problem_answer
from orderlane.api.errors import UnknownPath
from orderlane.api.idempotency import answer_once, claim_of, key_of
from orderlane.api.json_bodies import canonical_reader
from orderlane.api.lists import NoQuery
from orderlane.api.negotiation import check_acceptable, check_not_coded
from orderlane.api.operations import Access, Call, Operation, Unit
from orderlane.api.received import ClientDisconnected, ReceivedRequest
from orderlane.api.serving import Serving

CLIENT_CLOSED_REQUEST = 499


class Endpoint:
    """Serves one operation."""

    def __init__(self, operation: Operation, serving: Serving) -> None:
        self.operation = operation
        self._serving = serving
        self._observe = serving.log.of(operation.method, operation.path)
        self._decode_path = path_decoder(operation.parameters)
        self._decode_query = query_decoder(operation.query or NoQuery)
        self._read_canonical = canonical_reader(operation.body_media_type)
        self._decode_body: Callable[[bytes, str | None], Any] | None = (
            body_decoder(operation.body, operation.body_media_type) if operation.body else None
        )

    async def serve(self, request: Request[Any, Any, Any]) -> ASGIApp:
        """The answer to a request, as the ASGI application that sends it."""
        started = perf_counter()
        request_id = self._serving.services.sources.ids.new_id()
        scope = request.scope
        try:
            answer = await self._answer(scope, request.receive, request_id)
        except ClientDisconnected:
            answer = Answer(CLIENT_CLOSED_REQUEST)
        except Exception as error:  # noqa: BLE001 - the one place where errors become answers; unknown ones are logged
            options = self._serving.options
            answer = problem_answer(
                error, scope["path"], request_id, development=options.development, public_url=options.public_url
            )
        self._observe(answer.status, perf_counter() - started, request_id, scope["raw_path"])
        return _sending(answer, request_id)

    async def _answer(self, scope: Any, receive: Any, request_id: str) -> Answer:
        operation, serving = self.operation, self._serving
        request = ReceivedRequest.of(scope, receive)
        now = serving.services.sources.clock.now()
        call = Call(serving, request, now, request_id)
        await self._admit(call, request, now)
        check_acceptable(request.headers.get(b"accept"), operation.media_type)
        arguments = self._decode_path(scope["path_params"])
        query = self._decode_query(scope["query_string"])
        if operation.query is not None:
            arguments["query"] = query
        key = key_of(request) if operation.idempotent else None
        body = request.body
        if self._decode_body is not None:
            check_not_coded(request.headers.get(b"content-encoding"))
            content_type = request.header(b"content-type")
            body = self._read_canonical(body, content_type)
            arguments["body"] = self._decode_body(body, content_type)
        if key is not None:
            call.claim = claim_of(request, call.client_id, key, body)
        if operation.is_writing:
            return await serving.writes.answer(self._run(call, arguments), request_id)
        return await self._run(call, arguments)

    async def _admit(self, call: Call, request: ReceivedRequest, now: datetime) -> None:
        gate, operation = self._serving.gate, self.operation
        gate.check_version(request)
        if operation.access is Access.ANYBODY:
            await request.read_body(self._serving.options.body_bytes_max)
            return
        known, claims = await gate.check_token(request, now)
        await request.read_body(self._serving.options.body_bytes_max)
        await gate.check_signature(request, known, now)
        if operation.scope is not None:
            check_scope(known, claims, operation.scope)
        call.client, call.scopes = known.client, claims.scopes & known.scopes

    async def _run(self, call: Call, arguments: dict[str, Any]) -> Answer:
        store = self._serving.services.store
        match self.operation.unit:
            case Unit.NONE:
                return await self._respond(call, arguments)
            case Unit.READING if self.operation.is_list:
                return await self._run_list(call, arguments)
            case Unit.READING:
                async with store.reading() as call.store:
                    return await self._respond(call, arguments)
            case Unit.TRANSACTION:
                async with store.transaction() as call.store:
                    if not self.operation.idempotent:
                        return await self._respond(call, arguments)
                    return await answer_once(call.store, call.claim, lambda: self._respond(call, arguments))
            case unit:
                raise TypeError(f"no way to run in {unit}")

    async def _run_list(self, call: Call, arguments: dict[str, Any]) -> Answer:
        """Run in one of the client's turns, which lasts until the answer is sent; the database is read before that."""
        turn = await self._serving.list_turns.take(call.client_id)
        try:
            async with turn.reading(), self._serving.services.store.snapshot() as call.store:
                answer = await self._respond(call, arguments)
        except BaseException:
            turn.end()
            raise
        answer.on_sent = turn.end
        return answer

    async def _respond(self, call: Call, arguments: dict[str, Any]) -> Answer:
        resource = await self.operation.handler(call, **arguments)
        return resource if isinstance(resource, Answer) else json_answer(self.operation.success, resource)


def route_handlers(operations: Sequence[Operation], serving: Serving) -> list[HTTPRouteHandler]:
    """The Litestar handlers of the operations, one for each path, with HEAD for every GET and OPTIONS."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for operation in operations:
        endpoint = Endpoint(operation, serving)
        endpoints = paths.setdefault(operation.path, {})
        endpoints[operation.method] = endpoint
        if operation.method == "GET":
            endpoints["HEAD"] = endpoint
    return [_route_handler(path, endpoints, serving) for path, endpoints in paths.items()]


def _route_handler(path: str, endpoints: Mapping[str, Endpoint], serving: Serving) -> HTTPRouteHandler:
    allowed = ", ".join(sorted([*endpoints, "OPTIONS"]))
    is_as_declared = _path_pattern(path).fullmatch

    async def serve(request: Request[Any, Any, Any]) -> ASGIApp:
        if not is_as_declared(request.scope["raw_path"]):
            raise UnknownPath(request.scope["raw_path"].decode("latin-1"))
        endpoint = endpoints.get(request.scope["method"])
        if endpoint is None:
            request_id = serving.services.sources.ids.new_id()
            return _sending(Answer(204, headers={"allow": allowed}), request_id)
        return await endpoint.serve(request)

    methods = [HttpMethod(method) for method in (*endpoints, "OPTIONS")]
    return HTTPRouteHandler(_typed(path), http_method=methods, name=path, status_code=200)(serve)


def _typed(path: str) -> str:
    """The path as Litestar writes it: every parameter is text, which the operation's own types read."""
    return path.replace("}", ":str}")


def _path_pattern(path: str) -> re.Pattern[bytes]:
    """What a path looks like as sent.

    The router decodes, joins and trims; a proxy that decides by path does not, and a signature covers what was sent.
    So a path that is not the declared one, byte by byte, is another path. No parameter needs percent-encoding.
    """
    return re.compile(re.sub(r"\\{[a-z_]+\\}", r"(?!\\.{1,2}(?:/|$))[^/%]+", re.escape(path)).encode())


def _sending(answer: Answer, request_id: str) -> ASGIApp:
    async def send_out(scope: Any, receive: Receive, send: Send) -> None:
        await send_answer(send, answer, request_id, with_body=scope["method"] != "HEAD")

    return send_out
