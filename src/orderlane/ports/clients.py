"""The clients of the API: who they are, what they may, and the keys that prove it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A public key (PEM) with which a client signs its requests."""

    key_id: str
    public_key: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether signatures by this key count."""
        return (self.revoked_at is None or now < self.revoked_at) and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Client:
    """A client; `secret_hash` is an Argon2id hash, `requests_per_minute` None where no limit of its own is set."""

    id: UUID
    name: str
    secret_hash: str
    scopes: frozenset[str]
    created_at: datetime
    require_signatures: bool = False
    requests_per_minute: int | None = None
    revoked_at: datetime | None = None
    keys: tuple[ClientKey, ...] = ()

    def is_revoked(self, now: datetime) -> bool:
        """Whether the client is shut out."""
        return self.revoked_at is not None and self.revoked_at <= now


@dataclass(frozen=True, slots=True)
class TokenKey:
    """An Ed25519 private key (32 raw bytes) that signs access tokens; retired ones only verify, for a while."""

    id: str
    private_key: bytes = field(repr=False)
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that it takes to tell who calls."""

    clients: Sequence[Client]
    token_keys: Sequence[TokenKey]


class CredentialSource(Protocol):
    """Where the API learns of clients and keys."""

    async def load(self) -> Credentials:
        """Everything, as it is now. Raises StoreUnavailable."""
        ...

    async def ensure_token_key(self, new: TokenKey) -> None:
        """Store `new` unless there is a key that signs tokens already. Raises StoreUnavailable."""
        ...


class ClientRegister(Protocol):
    """Changes of the clients, made by whoever operates the service."""

    async def add(self, client: Client) -> None:
        """Store a new client with its keys."""
        ...

    async def add_key(self, client_id: UUID, key: ClientKey) -> None:
        """Register one more key. Raises NotFound without such a client, Conflict when the key id is taken."""
        ...

    async def revoke_key(self, client_id: UUID, key_id: str, now: datetime) -> None:
        """Shut a key out. Raises NotFound."""
        ...

    async def revoke(self, client_id: UUID, now: datetime) -> None:
        """Shut a client out. Raises NotFound."""
        ...

    async def get(self, client_id: UUID) -> Client:
        """One client. Raises NotFound."""
        ...

    async def all(self) -> Sequence[Client]:
        """Every client, the oldest first."""
        ...


class Nonces(Protocol):
    """The nonces of signed requests, each accepted once by all processes together."""

    async def use(self, client_id: UUID, nonce: str, valid_until: datetime) -> bool:
        """Whether the nonce was new; it is remembered until `valid_until`. Raises StoreUnavailable."""
        ...
