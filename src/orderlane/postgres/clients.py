"""Clients, their keys and nonces in PostgreSQL."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from orderlane.domain.ids import ClientId
from orderlane.ports.clients import AcceptedStatus, Client, ClientKey, Credentials, TokenKey
from orderlane.ports.errors import NotFound
from orderlane.postgres.connection import Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.group_commit import GroupCommit
from orderlane.postgres.queries import queries
from orderlane.postgres.tables.records import Row, record_from

_SQL = queries("clients")


class PostgresClientRegister:
    """Changes of the clients, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, client: Client) -> None:
        """Store a new client with its keys."""
        await self._connection.execute(
            _SQL["add_client"],
            client.id,
            client.name,
            client.secret_hash,
            sorted(client.scopes),
            client.require_signatures,
            client.requests_per_minute,
            client.accepted_status,
            client.official_reasons,
            client.created_at,
        )
        for key in client.keys:
            await self.add_key(client.id, key)

    async def add_key(self, client_id: ClientId, key: ClientKey) -> bool:
        """Register one more key, unless the client has one of that id; whether it was registered.

        Raises:
            NotFound: there is no such client.
        """
        columns = (client_id, key.key_id, key.public_key, key.created_at, key.expires_at)
        try:
            return await self._connection.fetchval(_SQL["add_client_key"], *columns) is not None
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("client", client_id) from None

    async def revoke_key(self, client_id: ClientId, key_id: str) -> None:
        """Revoke a key.

        Raises:
            NotFound: the client has no such key.
        """
        if not await self._connection.fetchval(_SQL["revoke_client_key"], client_id, key_id):
            raise NotFound(f"key of client {client_id}", key_id)

    async def change_accepted_status(self, client_id: ClientId, status: AcceptedStatus) -> None:
        """Store with which status the client's portfolio orders are accepted.

        Raises:
            NotFound: there is no such client.
        """
        if not await self._connection.fetchval(_SQL["change_accepted_status"], client_id, status):
            raise NotFound("client", client_id)

    async def revoke(self, client_id: ClientId) -> None:
        """Revoke a client.

        Raises:
            NotFound: there is no such client.
        """
        if not await self._connection.fetchval(_SQL["revoke_client"], client_id):
            raise NotFound("client", client_id)

    async def get(self, client_id: ClientId) -> Client:
        """One client.

        Raises:
            NotFound: there is no such client.
        """
        clients = await self._clients(client_id)
        if not clients:
            raise NotFound("client", client_id)
        return clients[0]

    async def all(self) -> Sequence[Client]:
        """Every client, the oldest first."""
        return await self._clients(None)

    async def _clients(self, client_id: ClientId | None) -> list[Client]:
        keys: defaultdict[UUID, list[ClientKey]] = defaultdict(list)
        for row in await self._connection.fetch(_SQL["client_keys"], client_id):
            keys[row["client_id"]].append(record_from(row, ClientKey))
        rows = await self._connection.fetch(_SQL["clients"], client_id)
        return [_client_from(row, keys[row["id"]]) for row in rows]


class PostgresCredentialSource:
    """Where the API learns of clients and keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self) -> Credentials:
        """Everything, as it is now.

        Raises:
            StoreUnavailable: the database is lost.
        """
        with unavailable_on_loss():
            async with self._pool.acquire() as connection:
                clients = await PostgresClientRegister(connection).all()
                rows = await connection.fetch(_SQL["token_keys"])
        return Credentials(clients=clients, token_keys=[record_from(row, TokenKey) for row in rows])

    async def ensure_token_key(self, new: TokenKey) -> None:
        """Store `new` unless there is a key that signs tokens already.

        Raises:
            StoreUnavailable: the database is lost.
        """
        with unavailable_on_loss():
            await self._pool.execute(_SQL["ensure_token_key"], new.id, new.private_key, new.created_at)


_Nonce = tuple[ClientId, str]


class PostgresNonces:
    """Nonces, each accepted once; concurrent requests share a statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._group: GroupCommit[tuple[ClientId, str, datetime], bool] = GroupCommit(self._use_all)

    async def use(self, client_id: ClientId, nonce: str, valid_until: datetime) -> bool:
        """Whether the nonce was new. Cancelling the caller does not undo that it is used.

        Raises:
            StoreUnavailable: the database is lost.
        """
        return await self._group.submit((client_id, nonce, valid_until))

    async def _use_all(self, nonces: Sequence[tuple[ClientId, str, datetime]]) -> list[bool]:
        columns = list(zip(*nonces, strict=True))
        with unavailable_on_loss():
            rows = await self._pool.fetch(_SQL["use_nonces"], *columns)
        new = {(ClientId(str(row["client_id"])), row["nonce"]) for row in rows}
        return [_take((client_id, nonce), new) for client_id, nonce, _ in nonces]


def _take(nonce: _Nonce, new: set[_Nonce]) -> bool:
    """Whether a nonce is in `new`, for the first caller: a nonce may come twice in one group."""
    is_new = nonce in new
    new.discard(nonce)
    return is_new


def _client_from(row: Row, keys: Sequence[ClientKey]) -> Client:
    return record_from(row, Client, keys=tuple(keys))
