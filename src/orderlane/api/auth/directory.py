"""Clients and keys in memory, so that no request asks the database who calls.

What is known is at most `AGE_SECONDS_MAX` old: every process refuses a revoked client within that time. Between
`REFRESH_AFTER_SECONDS` and that age requests are served from what is known while it is fetched anew, so none waits.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from orderlane.api.scopes import with_implied
from orderlane.domain.ids import ClientId
from orderlane.http_signatures import PublicKey
from orderlane.ports.clients import Client, ClientKey, Credentials, CredentialSource, TokenKey
from orderlane.sources import Sources

REFRESH_AFTER_SECONDS: Final = 1.0
AGE_SECONDS_MAX: Final = 2.0
MISS_PAUSE_SECONDS: Final = 0.05


class KnownClient(Struct, frozen=True, kw_only=True):
    """A client with its scopes spread out and its public keys read."""

    client: Client
    scopes: frozenset[str]
    keys: tuple[tuple[ClientKey, PublicKey], ...]

    def valid_keys(self, now: datetime) -> dict[str, PublicKey]:
        """The keys that are valid now, by id."""
        return {key.key_id: public for key, public in self.keys if key.is_valid(now)}


class Directory(Struct, frozen=True, kw_only=True):
    """All that is known at one moment. `token_keys` verify by id, retired ones included; `signing` signs new tokens."""

    clients: Mapping[ClientId, KnownClient]
    token_keys: Mapping[str, tuple[TokenKey, Ed25519PublicKey]]
    signing: tuple[str, Ed25519PrivateKey] | None


@dataclass(slots=True)
class ClientDirectory:
    """The directory, kept fresh by those who use it."""

    source: CredentialSource
    sources: Sources
    _known: Directory | None = None
    _fetched_at: float = 0.0
    _refreshing: asyncio.Task[Directory] | None = None
    _public_keys: dict[str, PublicKey] = field(default_factory=dict)

    async def start(self) -> None:
        """See to it that there is a key that signs tokens.

        Raises:
            StoreUnavailable: the database is lost.
        """
        sources = self.sources
        new = TokenKey(
            id=f"token-{sources.ids.new_id()}",
            private_key=sources.tokens.token_bytes(32),
            created_at=sources.clock.now(),
        )
        await self.source.ensure_token_key(new)

    async def stop(self) -> None:
        """Leave nothing running."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    async def current(self) -> Directory:
        """What is known, never older than `AGE_SECONDS_MAX`.

        Raises:
            StoreUnavailable: the database is lost.
        """
        age = monotonic() - self._fetched_at
        if self._known is None or age > AGE_SECONDS_MAX:
            return await asyncio.shield(self._refresh())
        if age > REFRESH_AFTER_SECONDS:
            self._refresh()
        return self._known

    async def client(self, client_id: ClientId) -> KnownClient | None:
        """One client; one that was created a moment ago is found too.

        Raises:
            StoreUnavailable: the database is lost.
        """
        known = (await self.current()).clients.get(client_id)
        return known or (await self.renewed()).clients.get(client_id)

    async def renewed(self) -> Directory:
        """What is known, asked for after this call began: for what is looked for and not found.

        However many look for what is not there, the database is asked every `MISS_PAUSE_SECONDS` at most.

        Raises:
            StoreUnavailable: the database is lost.
        """
        begun_at = monotonic()
        while self._known is None or self._fetched_at < begun_at:
            pause = self._fetched_at + MISS_PAUSE_SECONDS - monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            else:
                await asyncio.shield(self._refresh())
        return self._known

    def _refresh(self) -> asyncio.Task[Directory]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._fetch())
            self._refreshing.add_done_callback(_retrieve)
        return self._refreshing

    async def _fetch(self) -> Directory:
        asked_at = monotonic()
        credentials = await self.source.load()
        self._known, self._fetched_at = self._directory(credentials), asked_at
        return self._known

    def _directory(self, credentials: Credentials) -> Directory:
        keys = {key.id: (key, Ed25519PrivateKey.from_private_bytes(key.private_key)) for key in credentials.token_keys}
        signing = [(key_id, private) for key_id, (key, private) in keys.items() if key.retired_at is None]
        return Directory(
            clients={client.id: self._known_client(client) for client in credentials.clients},
            token_keys={key_id: (key, private.public_key()) for key_id, (key, private) in keys.items()},
            signing=signing[0] if signing else None,
        )

    def _known_client(self, client: Client) -> KnownClient:
        keys = tuple((key, self._public_key(key.public_key)) for key in client.keys)
        return KnownClient(client=client, scopes=with_implied(client.scopes), keys=keys)

    def _public_key(self, pem: str) -> PublicKey:
        known = self._public_keys.get(pem)
        if known is None:
            known = self._public_keys[pem] = PublicKey.from_pem(pem)
        return known


def _retrieve(task: asyncio.Task[Directory]) -> None:
    """Look at a failure: whoever waits for the task gets it; when nobody does, the next request tries again."""
    if not task.cancelled():
        task.exception()
