"""The API on a real server and a real database: `api` for whoever tests something over HTTP."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest
import uvicorn
from litestar import Litestar

from orderlane.api.app import create_app
from orderlane.api.auth.client_secrets import SALT_BYTES, hash_secret, new_secret
from orderlane.api.http_protocol import http_protocol
from orderlane.api.options import ApiOptions
from orderlane.api.routes.portfolio_orders import accepted_answer
from orderlane.api.scopes import ALL_SCOPES
from orderlane.domain.ids import ClientId
from orderlane.ports.clients import Client, ClientKey
from orderlane.ports.services import ApiServices
from orderlane.postgres.acceptance import PostgresPortfolioOrderAcceptance
from orderlane.postgres.clients import PostgresCredentialSource, PostgresNonces
from orderlane.postgres.connection import Pool, StatementCount, open_pool
from orderlane.postgres.figures import PostgresFigures
from orderlane.postgres.store import PostgresStore
from orderlane.postgres.webhooks import PostgresWebhookKeys
from orderlane.sources import Sources, system_sources
from orderlane.webhooks.addresses import AddressGuard
from orderlane.webhooks.sending import HttpTransport
from orderlane.webhooks.signing import KeyRing
from orderlane.webhooks.test_calls import HttpWebhooks
from tests.database.answers import check_answer


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client of the API, as its owner knows it."""

    client_id: ClientId
    secret: str


class Api:
    """A running API: `http` is a client of it with a token of every scope, `url` where it listens.

    Every answer to one of its HTTP clients is held against the OpenAPI document.
    """

    def __init__(self, url: str, services: ApiServices, stack: AsyncExitStack) -> None:
        self.url = url
        self.services = services
        self._stack = stack
        self.client_id: ClientId
        self.http: httpx.AsyncClient

    @property
    def sources(self) -> Sources:
        return self.services.sources

    def new_id(self) -> str:
        return self.sources.ids.new_id()

    async def new_client(
        self, scopes: Sequence[str] = tuple(ALL_SCOPES), keys: Sequence[ClientKey] = (), **fields: Any
    ) -> ClientCredentials:
        """Store a client."""
        secret, secret_hash = known_secret()
        now = self.sources.clock.now()
        client = Client(
            id=ClientId(self.new_id()),
            name="test",
            secret_hash=secret_hash,
            scopes=frozenset(scopes),
            created_at=now,
            keys=tuple(keys),
            **fields,
        )
        async with self.services.store.transaction() as store:
            await store.clients.add(client)
        return ClientCredentials(client.id, secret)

    async def token(self, credentials: ClientCredentials, scope: str = "") -> str:
        """Fetch a token."""
        form = {
            "client_id": credentials.client_id,
            "client_secret": credentials.secret,
            "grant_type": "client_credentials",
            "scope": scope,
        }
        http = await self.anonymous()
        answer = await http.post("/auth/token", data=form)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def anonymous(self) -> httpx.AsyncClient:
        """An HTTP client without a token."""
        hooks = {"response": [check_answer]}
        # verify=False: there is no TLS, and reading the system's certificates takes longer than most tests
        http = httpx.AsyncClient(base_url=self.url, event_hooks=hooks, verify=False)
        return await self._stack.enter_async_context(http)

    async def session(self, credentials: ClientCredentials | None = None, scope: str = "") -> httpx.AsyncClient:
        """An HTTP client with a token: of a new client of every scope, unless one is named."""
        credentials = credentials or await self.new_client()
        http = await self.anonymous()
        http.headers["authorization"] = f"Bearer {await self.token(credentials, scope)}"
        return http

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        """POST as the client of `http`, under a new idempotency key unless one is given."""
        return await self.http.post(path, json=body, headers={"idempotency-key": key or self.new_id()})


@cache
def known_secret() -> tuple[str, str]:
    """A secret and its hash: the same for every client, for hashing takes its time."""
    tokens = system_sources().tokens
    secret = new_secret(tokens)
    return secret, hash_secret(secret, tokens.token_bytes(SALT_BYTES))


async def services_on(
    pool: Pool, reading: Pool, statements: StatementCount, transport: HttpTransport, sources: Sources
) -> ApiServices:
    store = await PostgresStore.open(pool, reading)
    return ApiServices(
        store=store,
        acceptance=PostgresPortfolioOrderAcceptance(pool, store.lane_count, accepted_answer),
        credentials=PostgresCredentialSource(pool),
        nonces=PostgresNonces(pool),
        figures=PostgresFigures(pool, statements, pool),
        webhooks=HttpWebhooks(transport, KeyRing(PostgresWebhookKeys(pool), sources), sources),
        sources=sources,
    )


@asynccontextmanager
async def listening(app: Litestar) -> AsyncIterator[str]:
    """Serve the application on a port of its own; the URL."""
    http = http_protocol(system_sources().ids.new_id)
    config = uvicorn.Config(app, http=http, proxy_headers=False, access_log=False, log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await server.startup(sockets=[listener])
        assert server.started
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.shutdown(sockets=[listener])


@asynccontextmanager
async def running_api(dsn: str, options: ApiOptions, sources: Sources | None = None) -> AsyncIterator[Api]:
    """An API with a first client."""
    async with AsyncExitStack() as stack:
        statements = StatementCount()
        pool = await open_pool(dsn, "api under test", size_max=8, count=statements)
        stack.push_async_callback(pool.close)
        reading = await open_pool(dsn, "api under test reads", size_max=8, count=statements, reads_only=True)
        stack.push_async_callback(reading.close)
        transport = await stack.enter_async_context(HttpTransport(AddressGuard(allow_insecure=True)))
        services = await services_on(pool, reading, statements, transport, sources or system_sources())
        url = await stack.enter_async_context(listening(create_app(services, options)))
        api = Api(url, services, stack)
        credentials = await api.new_client()
        api.client_id = credentials.client_id
        api.http = await api.session(credentials)
        yield api


@pytest.fixture
def api_options() -> ApiOptions:
    """How the API behaves; a test module overrides it."""
    return ApiOptions(token_requests_per_minute=10_000)


@pytest.fixture
async def api(dsn: str, api_options: ApiOptions) -> AsyncIterator[Api]:
    """A running API on a fresh database."""
    async with running_api(dsn, api_options) as running:
        yield running
