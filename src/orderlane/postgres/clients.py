"""Clients, their keys and nonces in PostgreSQL."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from orderlane.ports.clients import Client, ClientKey, Credentials, TokenKey
from orderlane.ports.errors import Conflict, NotFound
from orderlane.postgres.connection import Connection, Pool
from orderlane.postgres.faults import unavailable_on_loss
from orderlane.postgres.group_commit import GroupCommit
from orderlane.postgres.queries import queries

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
            client.created_at,
        )
        for key in client.keys:
            await self.add_key(client.id, key)

    async def add_key(self, client_id: UUID, key: ClientKey) -> None:
        """Register one more key."""
        try:
            await self._connection.execute(
                _SQL["add_client_key"], client_id, key.key_id, key.public_key, key.created_at, key.expires_at
            )
        except asyncpg.UniqueViolationError:
            raise Conflict(f"client {client_id} has a key {key.key_id} already") from None
        except asyncpg.ForeignKeyViolationError:
            raise NotFound("client", client_id) from None

    async def revoke_key(self, client_id: UUID, key_id: str, now: datetime) -> None:
        """Shut a key out."""
        if not await self._connection.fetchval(_SQL["revoke_client_key"], client_id, key_id, now):
            raise NotFound(f"key of client {client_id}", key_id)

    async def revoke(self, client_id: UUID, now: datetime) -> None:
        """Shut a client out."""
        if not await self._connection.fetchval(_SQL["revoke_client"], client_id, now):
            raise NotFound("client", client_id)

    async def get(self, client_id: UUID) -> Client:
        """One client."""
        found = await self._clients(client_id)
        if not found:
            raise NotFound("client", client_id)
        return found[0]

    async def all(self) -> Sequence[Client]:
        """Every client, the oldest first."""
        return await self._clients(None)

    async def _clients(self, client_id: UUID | None) -> list[Client]:
        keys: defaultdict[UUID, list[ClientKey]] = defaultdict(list)
        for client, *key in await self._connection.fetch(_SQL["client_keys"], client_id):
            keys[client].append(ClientKey(*key))
        rows = await self._connection.fetch(_SQL["clients"], client_id)
        return [_client(row, keys[row["id"]]) for row in rows]


class PostgresCredentialSource:
    """Where the API learns of clients and keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self) -> Credentials:
        """Everything, as it is now."""
        with unavailable_on_loss():
            async with self._pool.acquire() as connection:
                clients = await PostgresClientRegister(connection).all()
                keys = [TokenKey(*row) for row in await connection.fetch(_SQL["token_keys"])]
        return Credentials(clients, keys)

    async def ensure_token_key(self, new: TokenKey) -> None:
        """Store `new` unless there is a key that signs tokens already."""
        with unavailable_on_loss():
            await self._pool.execute(_SQL["ensure_token_key"], new.id, new.private_key, new.created_at)


class PostgresNonces:
    """Nonces, each accepted once; concurrent requests share a statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._group: GroupCommit[tuple[UUID, str, datetime], bool] = GroupCommit(self._use_all)

    async def use(self, client_id: UUID, nonce: str, valid_until: datetime) -> bool:
        """Whether the nonce was new."""
        return await self._group.submit((client_id, nonce, valid_until))

    async def _use_all(self, wanted: Sequence[tuple[UUID, str, datetime]]) -> list[bool]:
        columns = list(zip(*wanted, strict=True))
        with unavailable_on_loss():
            rows = await self._pool.fetch(_SQL["use_nonces"], *columns)
        new = {(row["client_id"], row["nonce"]) for row in rows}
        return [_take((client_id, nonce), new) for client_id, nonce, _ in wanted]


def _take(one: tuple[UUID, str], new: set[tuple[UUID, str]]) -> bool:
    """Whether `one` is in `new`, for the first that asks: a nonce may come twice in one group."""
    is_new = one in new
    new.discard(one)
    return is_new


def _client(row: asyncpg.Record, keys: Sequence[ClientKey]) -> Client:
    return Client(
        id=row["id"],
        name=row["name"],
        secret_hash=row["secret_hash"],
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        require_signatures=row["require_signatures"],
        requests_per_minute=row["requests_per_minute"],
        revoked_at=row["revoked_at"],
        keys=tuple(keys),
    )
