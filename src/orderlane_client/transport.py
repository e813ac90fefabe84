"""Requests to the service: access tokens, idempotency keys, another attempt where that is harmless."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar
from urllib.parse import urlencode
from uuid import UUID, uuid4

import aiohttp
import msgspec
from yarl import URL

from orderlane_client.errors import Problem, ServiceUnreachable
from orderlane_client.signing import RequestSigner

T = TypeVar("T")

TOKEN_SLACK_SECONDS = 5
REQUEST_SECONDS_MAX = 30
FIRST_PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAX = 2.0
UNAUTHORIZED = 401
WORTH_ANOTHER_ATTEMPT = frozenset({429, 502, 503, 504})


class Transport:
    """One client's requests, signed when there is a `signer`.

    A call that fails because nothing answers, or because the service asks to come again, is made again for at most
    `retry_seconds`. That is harmless: a POST carries the same idempotency key each time.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        scopes: Sequence[str] = (),
        *,
        retry_seconds: float = 10.0,
        signer: RequestSigner | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._scopes = tuple(scopes)
        self._retry_seconds = retry_seconds
        self._signer = signer
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._token_ends = 0.0
        self._token_lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: object | None = None,
        query: Mapping[str, object | None] | None = None,
        idempotency_key: UUID | None = None,
        repeatable: bool = True,
    ) -> T:
        """Make a call and read its answer. A POST or PATCH without `idempotency_key` gets a new one.

        A call that is not `repeatable` is made once: the service takes no idempotency key for it.

        Raises:
            Problem: the service refused it.
            ServiceUnreachable: nothing answered within `retry_seconds`.
        """
        headers = {"accept": "application/json"}
        if method in ("POST", "PATCH"):
            headers["idempotency-key"] = str(idempotency_key or uuid4())
        data = b"" if body is None else msgspec.json.encode(body)
        if data:
            headers["content-type"] = "application/json"
        params = {name: str(value) for name, value in (query or {}).items() if value is not None}
        seconds = self._retry_seconds if repeatable else 0.0
        content = await self._authorized(method, path, headers, seconds, data=data, params=params)
        return msgspec.json.decode(content, type=answer) if content else msgspec.convert(None, answer)

    async def _authorized(
        self, method: str, path: str, headers: dict[str, str], retry_seconds: float, **request: Any
    ) -> bytes:
        """A token that the service does not know any more is replaced once."""
        headers["authorization"] = f"Bearer {await self.access_token()}"
        try:
            return await self._send(method, path, retry_seconds, headers=headers, **request)
        except Problem as problem:
            if problem.status != UNAUTHORIZED:
                raise
        self._token_ends = 0.0
        headers["authorization"] = f"Bearer {await self.access_token()}"
        return await self._send(method, path, retry_seconds, headers=headers, **request)

    async def access_token(self) -> str:
        """A token that is valid for a while yet, asked for when there is none."""
        clock = asyncio.get_running_loop().time
        async with self._token_lock:
            if clock() >= self._token_ends:
                form = {**self._credentials, "grant_type": "client_credentials"}
                if self._scopes:
                    form["scope"] = " ".join(self._scopes)
                headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
                asked_at = clock()
                answer = await self._send(
                    "POST", "/auth/token", self._retry_seconds, headers=headers, data=urlencode(form).encode()
                )
                granted = msgspec.json.decode(answer)
                self._token = granted["access_token"]
                self._token_ends = asked_at + int(granted["expires_in"]) - TOKEN_SLACK_SECONDS
            return self._token

    async def _send(self, method: str, path: str, retry_seconds: float, **request: Any) -> bytes:
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + retry_seconds, FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._attempt(method, path, **request)
            except ServiceUnreachable:
                if clock() + pause > deadline:
                    raise
            except Problem as problem:
                if problem.status not in WORTH_ANOTHER_ATTEMPT or clock() + pause > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _attempt(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        data: bytes,
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        if self._session is None:
            raise RuntimeError("use the client in an `async with` block")
        url = URL(self._base_url + path).extend_query(params)
        if self._signer is not None:
            headers = {**headers, **self._signer.sign(method, url.raw_path_qs, headers, data)}
        try:
            async with self._session.request(
                method, url, allow_redirects=False, headers=headers, data=data
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceUnreachable(f"{method} {url}: {str(error) or type(error).__name__}") from error
        if response.ok:
            return content
        raise Problem(response.status, read_problem(content))


def read_problem(content: bytes) -> dict[str, Any]:
    """The problem document of a refusal; what is none (a proxy's page, say) becomes its detail."""
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {"detail": content.decode(errors="replace")[:500]}
