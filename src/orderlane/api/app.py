"""The application: Litestar with the declared operations, and problem documents for whatever it refuses itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException

from orderlane.api.answers import header_lines
from orderlane.api.auth.directory import ClientDirectory
from orderlane.api.auth.gate import Gate
from orderlane.api.dispatch import route_handlers
from orderlane.api.error_map import problem_answer
from orderlane.api.errors import InvalidHeader, MethodNotAllowed, UnknownPath
from orderlane.api.metrics import Metrics
from orderlane.api.openapi.document import document_bytes
from orderlane.api.operations import Operation
from orderlane.api.options import ApiOptions
from orderlane.api.pages.reference import Pages
from orderlane.api.request_log import RequestLog
from orderlane.api.routes import OPERATIONS
from orderlane.api.serving import Serving
from orderlane.api.slices import Slices
from orderlane.api.turns import Turns
from orderlane.api.writes import Writes
from orderlane.ports.services import ApiServices


def create_app(
    services: ApiServices, options: ApiOptions | None = None, operations: Sequence[Operation] = OPERATIONS
) -> Litestar:
    """The ASGI application over the ports. Its lifespan needs the database once, for the key that signs tokens.

    At the end of its lifespan it waits for the requests that write and are under way.
    """
    options = options or ApiOptions()
    directory = ClientDirectory(services.credentials, services.sources)
    metrics = Metrics()
    writes = Writes()
    serving = Serving(
        services=services,
        options=options,
        gate=Gate(directory, services.nonces, options),
        metrics=metrics,
        log=RequestLog(metrics.registry),
        pages=Pages(lambda: document_bytes(operations, options.document_url)),
        writes=writes,
        slices=Slices(),
        list_turns=Turns(options.lists_per_client, options.lists_reading, options.list_wait_seconds),
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await directory.start()
        try:
            yield
        finally:
            await writes.close()
            await directory.stop()

    return Litestar(
        route_handlers=route_handlers(operations, serving),
        exception_handlers={Exception: _refusals(serving)},
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
    )


def _refusals(serving: Serving) -> Any:
    """A handler for what Litestar refuses before an operation is found: unknown paths and methods, mostly."""
    observe = serving.log.of_no_route()

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        request_id = serving.services.sources.ids.new_id()
        path: bytes = request.scope["raw_path"]
        options = serving.options
        shown = path.decode("latin-1")
        answer = problem_answer(
            _explained(request, error, shown),
            shown,
            request_id,
            development=options.development,
            public_url=options.public_url,
        )
        observe(request.scope["method"], answer.status, request_id, path)
        headers = {name.decode(): value.decode("latin-1") for name, value in header_lines(answer, request_id)}
        return Response(answer.body, status_code=answer.status, media_type=answer.media_type, headers=headers)

    return handle


def _explained(request: Request[Any, Any, Any], error: Exception, path: str) -> Exception:
    if isinstance(error, MethodNotAllowedException):
        allowed = sorted((error.headers or {}).get("allow", "").split(", "))
        return MethodNotAllowed(request.scope["method"], ", ".join(allowed))
    if isinstance(error, HTTPException) and error.status_code == 404:
        return UnknownPath(path)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return InvalidHeader(error.detail)
    return error
