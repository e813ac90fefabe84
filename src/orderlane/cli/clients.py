"""Commands for the clients of the API and their keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from orderlane.api.scopes import ALL_SCOPES
from orderlane.cli.announcements import console, id_column, narrow_table, text_column, write_json
from orderlane.cli.database import opened_store
from orderlane.cli.new_clients import NAME_CHARACTERS_MAX, NewClient, add_client
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import CommandRefused, complete
from orderlane.domain.ids import ClientId
from orderlane.http_signatures import KeyRefused, PublicKey
from orderlane.ports.clients import ACCEPTED, AcceptedStatus, Client, ClientKey
from orderlane.resources.formats import write_time
from orderlane.sources import Sources, system_sources

KEY_ID_CHARACTERS_MAX = 200
ClientArgument = Annotated[UUID, Parameter(help="The client's id.")]
PublicKeyFile = Annotated[Path, Parameter(help="The public key in PEM: ECDSA P-256, ECDSA P-521 or Ed25519.")]
AcceptedStatusOption = Annotated[
    AcceptedStatus,
    Parameter(
        help="What POST /portfolios/orders answers with: 202, or 200 for a generated client that knows no other."
    ),
]
KeyId = Annotated[str | None, Parameter(help="The keyid that signatures name; a new UUID unless given.")]
ExpiresAt = Annotated[datetime | None, Parameter(help="When the key expires, in UTC unless it says otherwise.")]


def create(
    *,
    name: Annotated[str, Parameter(help="What the client is called in lists.")],
    scope: Annotated[
        list[str] | None,
        Parameter(help="What the client may do, once for each scope; everything unless given.", negative=""),
    ] = None,
    require_signatures: Annotated[
        bool, Parameter(help="Refuse every request that is not signed.", negative="")
    ] = False,
    public_key: PublicKeyFile | None = None,
    key_id: KeyId = None,
    requests_per_minute: Annotated[int | None, Parameter(help="A limit of its own.")] = None,
    accepted_status: AcceptedStatusOption = ACCEPTED,
    official_reasons: Annotated[
        bool,
        Parameter(help="Tell cancellation reasons in the public API's words alone. Fixed for ever.", negative=""),
    ] = False,
    json: AsJson = False,
    options: DataOptions | None = None,
) -> None:
    """Create a client. Its secret is shown only now."""

    async def command() -> None:
        sources = system_sources()
        scopes = checked_scopes(scope)
        check_new_client(name, requests_per_minute)
        if require_signatures and public_key is None:
            raise CommandRefused("--require-signatures needs the client's --public-key FILE")
        key = read_key(public_key, key_id, None, sources) if public_key else None
        async with opened_store(options) as store:
            new = await add_client(
                store,
                sources,
                name,
                scopes=scopes,
                key=key,
                require_signatures=require_signatures,
                requests_per_minute=requests_per_minute,
                accepted_status=accepted_status,
                official_reasons=official_reasons,
            )
        if json:
            write_json(new.facts)
        else:
            show_new(new)

    complete(command())


def list_all(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """List the clients."""

    async def command() -> None:
        async with opened_store(options, reads_only=True) as store, store.reading() as repositories:
            clients = await repositories.clients.all()
        if json:
            for client in clients:
                write_json(client_facts(client))
        else:
            console().print(clients_table(clients))

    complete(command())


def show(client_id: ClientArgument, /, *, json: AsJson = False, options: DataOptions | None = None) -> None:
    """Show a client with its settings and its public keys."""

    async def command() -> None:
        async with opened_store(options, reads_only=True) as store, store.reading() as repositories:
            client = await repositories.clients.get(_client_id(client_id))
        if json:
            write_json(client_facts(client))
        else:
            console().print(client_details(client))
            if client.keys:
                console().print(keys_table(client.keys))

    complete(command())


def update(
    client_id: ClientArgument, /, *, accepted_status: AcceptedStatusOption, options: DataOptions | None = None
) -> None:
    """Change with which status a client's portfolio orders are accepted; running services follow within seconds."""

    async def command() -> None:
        async with opened_store(options) as store, store.transaction() as repositories:
            await repositories.clients.change_accepted_status(_client_id(client_id), accepted_status)
        console().print(f"client {client_id}: POST /portfolios/orders answers {accepted_status}")

    complete(command())


def revoke(client_id: ClientArgument, /, *, options: DataOptions | None = None) -> None:
    """Revoke a client; running services follow within seconds."""

    async def command() -> None:
        async with opened_store(options) as store, store.transaction() as repositories:
            await repositories.clients.revoke(_client_id(client_id))
        console().print(f"client {client_id} revoked")

    complete(command())


def add_key(
    client_id: ClientArgument,
    /,
    *,
    public_key: PublicKeyFile,
    key_id: KeyId = None,
    expires_at: ExpiresAt = None,
    json: AsJson = False,
    options: DataOptions | None = None,
) -> None:
    """Register one more public key; the others stay valid."""

    async def command() -> None:
        sources = system_sources()
        key = read_key(public_key, key_id, expires_at, sources)
        async with opened_store(options) as store, store.transaction() as repositories:
            if not await repositories.clients.add_key(_client_id(client_id), key):
                raise CommandRefused(f"client {client_id} has a key {key.key_id} already")
        if json:
            write_json({"client_id": str(client_id), "key_id": key.key_id})
        else:
            console().print(f"client {client_id} may sign with key [bold]{escape(key.key_id)}[/]")

    complete(command())


def list_keys(client_id: ClientArgument, /, *, json: AsJson = False, options: DataOptions | None = None) -> None:
    """List a client's public keys."""

    async def command() -> None:
        async with opened_store(options, reads_only=True) as store, store.reading() as repositories:
            client = await repositories.clients.get(_client_id(client_id))
        if json:
            for key in client.keys:
                write_json(key_facts(key))
        else:
            console().print(keys_table(client.keys))

    complete(command())


def revoke_key(
    client_id: ClientArgument,
    key_id: Annotated[str, Parameter(help="The key's id.")],
    /,
    *,
    options: DataOptions | None = None,
) -> None:
    """Revoke a public key; running services follow within seconds."""

    async def command() -> None:
        async with opened_store(options) as store, store.transaction() as repositories:
            await repositories.clients.revoke_key(_client_id(client_id), key_id)
        console().print(f"key {escape(key_id)} of client {client_id} revoked")

    complete(command())


def checked_scopes(names: Sequence[str] | None) -> frozenset[str]:
    """The scopes by name; several may stand in one text.

    Raises:
        CommandRefused: there is no such scope.
    """
    if not names:
        return ALL_SCOPES
    scopes = frozenset(name for text in names for name in text.replace(",", " ").split())
    if unknown := scopes - ALL_SCOPES:
        raise CommandRefused(f"--scope {', '.join(sorted(unknown))} is none of: {', '.join(sorted(ALL_SCOPES))}")
    return scopes


def check_new_client(name: str, requests_per_minute: int | None) -> None:
    """See whether a client can be created so.

    Raises:
        CommandRefused: it cannot.
    """
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        raise CommandRefused(f"--name must be 1 to {NAME_CHARACTERS_MAX} printable characters")
    if requests_per_minute is not None and requests_per_minute < 1:
        raise CommandRefused("--requests-per-minute must be 1 or more")


def read_key(file: Path, key_id: str | None, expires_at: datetime | None, sources: Sources) -> ClientKey:
    """The key in a PEM file.

    Raises:
        CommandRefused: it cannot be read, or is no key that can be used.
    """
    name = sources.ids.new_id() if key_id is None else key_id
    if not 1 <= len(name) <= KEY_ID_CHARACTERS_MAX or not (name.isascii() and name.isprintable()) or '"' in name:
        raise CommandRefused(f"--key-id must be 1 to {KEY_ID_CHARACTERS_MAX} printable ASCII characters without quotes")
    try:
        pem = file.read_text("ascii")
        PublicKey.from_pem(pem)
    except OSError as error:
        raise CommandRefused(f"--public-key {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandRefused(f"--public-key {file} is no PEM file: it is not ASCII text") from error
    except KeyRefused as refusal:
        raise CommandRefused(f"--public-key {file}: {refusal}") from refusal
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    return ClientKey(key_id=name, public_key=pem, created_at=sources.clock.now(), expires_at=expires_at)


def show_new(new: NewClient) -> None:
    """Show a person the new client's secret."""
    lines = [
        f"Client [bold]{escape(new.client.name)}[/] created. Its secret is shown only now:",
        f"  client id      [bold]{new.client.id}[/]",
        f"  client secret  [bold]{new.secret}[/]",
        f"  scopes         {' '.join(sorted(new.client.scopes))}",
    ]
    lines += [f"  key id         {escape(key.key_id)}" for key in new.client.keys]
    console().print("\n".join(lines))


def client_facts(client: Client) -> dict[str, object]:
    """A client as a program is told of it."""
    return {
        "client_id": client.id,
        "name": client.name,
        "scope": " ".join(sorted(client.scopes)),
        "require_signatures": client.require_signatures,
        "requests_per_minute": client.requests_per_minute,
        "accepted_status": client.accepted_status,
        "official_reasons": client.official_reasons,
        "created_at": write_time(client.created_at),
        "revoked_at": _moment(client.revoked_at),
        "keys": [key_facts(key) for key in client.keys],
    }


def key_facts(key: ClientKey) -> dict[str, object]:
    """A key as a program is told of it."""
    return {
        "key_id": key.key_id,
        "created_at": write_time(key.created_at),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
        "public_key": key.public_key,
    }


def clients_table(clients: Sequence[Client]) -> Table:
    """Clients for a person; the facts stand below the name, so that they have room beside an id in 80 columns."""
    table = narrow_table(id_column("client id"), text_column("name, state, scopes"))
    for client in clients:
        scopes = "all scopes" if client.scopes == ALL_SCOPES else " ".join(sorted(client.scopes))
        state = f"revoked {write_time(client.revoked_at)}" if client.revoked_at else "active"
        signatures = "signatures required" if client.require_signatures else "signatures optional"
        keys = "1 key" if len(client.keys) == 1 else f"{len(client.keys)} keys"
        answers = f"accepted with {client.accepted_status}"
        reasons = "official reasons" if client.official_reasons else "all reasons"
        facts = f"{state}, {signatures}, {keys}\n{answers}, {reasons}\n{scopes}"
        table.add_row(client.id, f"{escape(client.name)}\n{facts}")
    return table


def client_details(client: Client) -> Table:
    """A client for a person, a line for each fact."""
    table = Table.grid(padding=(0, 2))
    limit = client.requests_per_minute
    facts = {
        "client id": client.id,
        "name": escape(client.name),
        "scopes": " ".join(sorted(client.scopes)),
        "state": f"revoked {write_time(client.revoked_at)}" if client.revoked_at else "active",
        "created": write_time(client.created_at),
        "signatures": "required" if client.require_signatures else "optional",
        "requests a minute": "as the service allows" if limit is None else str(limit),
        "accepted status": str(client.accepted_status),
        "cancellation reasons": "official" if client.official_reasons else "all",
    }
    for name, fact in facts.items():
        table.add_row(name, fact)
    return table


def keys_table(keys: Sequence[ClientKey]) -> Table:
    """Public keys for a person."""
    table = narrow_table(id_column("key id"), text_column("kind, times"))
    for key in keys:
        facts = [PublicKey.from_pem(key.public_key).kind, f"created {write_time(key.created_at)}"]
        facts.append(f"expires {_moment(key.expires_at) or 'never'}")
        if key.revoked_at is not None:
            facts.append(f"revoked {write_time(key.revoked_at)}")
        table.add_row(escape(key.key_id), "\n".join(facts))
    return table


def _client_id(argument: UUID) -> ClientId:
    return ClientId(str(argument))


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else write_time(moment)
