"""Creating clients of the API."""

from collections.abc import Iterable

from msgspec import Struct

from orderlane.api.auth.client_secrets import SALT_BYTES, hash_secret, new_secret
from orderlane.api.scopes import ALL_SCOPES
from orderlane.domain.ids import ClientId
from orderlane.ports.clients import ACCEPTED, AcceptedStatus, Client, ClientKey
from orderlane.ports.store import Store
from orderlane.sources import Sources

NAME_CHARACTERS_MAX = 100


class NewClient(Struct, frozen=True):
    """A client as its owner must know it: the secret cannot be shown a second time."""

    client: Client
    secret: str

    @property
    def facts(self) -> dict[str, str]:
        """What a program is told; the scopes as a token request names them."""
        facts = {
            "client_id": self.client.id,
            "client_secret": self.secret,
            "scope": " ".join(sorted(self.client.scopes)),
        }
        if self.client.keys:
            facts["key_id"] = self.client.keys[0].key_id
        return facts


async def add_client(
    store: Store,
    sources: Sources,
    name: str,
    *,
    scopes: Iterable[str] = ALL_SCOPES,
    key: ClientKey | None = None,
    require_signatures: bool = False,
    requests_per_minute: int | None = None,
    accepted_status: AcceptedStatus = ACCEPTED,
    official_reasons: bool = False,
) -> NewClient:
    """Create a client with a new secret, of which only a hash is stored."""
    secret = new_secret(sources.tokens)
    client = Client(
        id=ClientId(sources.ids.new_id()),
        name=name,
        secret_hash=hash_secret(secret, sources.tokens.token_bytes(SALT_BYTES)),
        scopes=frozenset(scopes),
        created_at=sources.clock.now(),
        require_signatures=require_signatures,
        requests_per_minute=requests_per_minute,
        accepted_status=accepted_status,
        official_reasons=official_reasons,
        keys=(key,) if key else (),
    )
    async with store.transaction() as repositories:
        await repositories.clients.add(client)
    return NewClient(client, secret)
