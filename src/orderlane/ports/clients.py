"""The clients of the API: who they are, what they may, and the keys that prove it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Protocol

from msgspec import Struct

from orderlane.domain.ids import ClientId

AcceptedStatus = Literal[200, 202]
"""What POST of a portfolio order may answer with: 202 as the contract says, or 200 for clients that know no other."""

ACCEPTED: Final = 202


class ClientKey(Struct, frozen=True, kw_only=True):
    """A public key (PEM) with which a client signs its requests."""

    key_id: str
    public_key: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether signatures by this key count."""
        return (self.revoked_at is None or now < self.revoked_at) and (self.expires_at is None or now < self.expires_at)


class Client(Struct, frozen=True, kw_only=True):
    """A client; `secret_hash` is an Argon2id hash, `requests_per_minute` None where no limit of its own is set.

    `accepted_status` is what its accepted portfolio orders are answered with. With `official_reasons` it is told
    cancellation reasons in the public API's words; that is fixed when the client is created.
    """

    id: ClientId
    name: str
    secret_hash: str
    scopes: frozenset[str]
    created_at: datetime
    require_signatures: bool = False
    requests_per_minute: int | None = None
    accepted_status: AcceptedStatus = ACCEPTED
    official_reasons: bool = False
    revoked_at: datetime | None = None
    keys: tuple[ClientKey, ...] = ()

    def is_revoked(self, now: datetime) -> bool:
        """Whether the client is revoked."""
        return self.revoked_at is not None and self.revoked_at <= now


class TokenKey(Struct, frozen=True, kw_only=True):
    """An Ed25519 private key (32 raw bytes) that signs access tokens; retired ones only verify, for a while."""

    id: str
    private_key: bytes
    created_at: datetime
    retired_at: datetime | None = None

    def __repr__(self) -> str:
        return f"TokenKey({self.id!r})"


class Credentials(Struct, frozen=True, kw_only=True):
    """All that it takes to tell who calls."""

    clients: Sequence[Client]
    token_keys: Sequence[TokenKey]


class CredentialSource(Protocol):
    """Where the API learns of clients and keys."""

    async def load(self) -> Credentials:
        """Everything, as it is now.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...

    async def ensure_token_key(self, new: TokenKey) -> None:
        """Store `new` unless there is a key that signs tokens already.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...


class ClientRegister(Protocol):
    """Changes of the clients, made by whoever operates the service."""

    async def add(self, client: Client) -> None:
        """Store a new client with its keys."""
        ...

    async def add_key(self, client_id: ClientId, key: ClientKey) -> bool:
        """Register one more key, unless the client has one of that id; whether it was registered.

        Raises:
            NotFound: there is no such client.
        """
        ...

    async def revoke_key(self, client_id: ClientId, key_id: str) -> None:
        """Revoke a key.

        Raises:
            NotFound: the client has no such key.
        """
        ...

    async def change_accepted_status(self, client_id: ClientId, status: AcceptedStatus) -> None:
        """Store with which status the client's portfolio orders are accepted.

        Raises:
            NotFound: there is no such client.
        """
        ...

    async def revoke(self, client_id: ClientId) -> None:
        """Revoke a client.

        Raises:
            NotFound: there is no such client.
        """
        ...

    async def get(self, client_id: ClientId) -> Client:
        """One client.

        Raises:
            NotFound: there is no such client.
        """
        ...

    async def all(self) -> Sequence[Client]:
        """Every client, the oldest first."""
        ...


class Nonces(Protocol):
    """The nonces of signed requests, each accepted once by all processes together."""

    async def use(self, client_id: ClientId, nonce: str, valid_until: datetime) -> bool:
        """Whether the nonce was new; it is remembered until `valid_until`.

        Raises:
            StoreUnavailable: the database is lost.
        """
        ...
