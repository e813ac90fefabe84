"""What the first start of a whole service prepares: a list of instruments, and a client to begin with."""

import os
from pathlib import Path

import msgspec
from rich.markup import escape

from orderlane.bootstrap import database as databases
from orderlane.cli.announcements import Announcements
from orderlane.cli.new_clients import NewClient, add_client
from orderlane.cli.parts import Parts
from orderlane.master_data.instruments import shipped_instruments
from orderlane.ports.paging import Page
from orderlane.ports.store import Store
from orderlane.sources import Sources

FIRST_CLIENT = "first client"
CREDENTIALS_FILE = "first-client.json"


async def prepare_first_start(parts: Parts, announcements: Announcements) -> None:
    """Load the shipped instruments if there are none, and create a client if there is none.

    Its secret is shown on a terminal. Anything else that reads the standard output may keep it, as a journal does:
    then the secret goes to a file of the data folder that only this account may read; where that cannot be written, no
    client is created.
    """
    async with databases.open_store(parts.database) as store:
        await _ensure_instruments(store, parts.sources)
        async with store.reading() as repositories:
            if await repositories.clients.all():
                return
        if announcements.reach_a_person:
            _show(await add_client(store, parts.sources, FIRST_CLIENT), announcements)
        else:
            await _create_with_file(store, parts, announcements)


def _show(new: NewClient, announcements: Announcements) -> None:
    text = (
        "A first client was created. Its secret is shown [bold]only now[/]:\n"
        f"  client id      [bold]{new.client.id}[/]\n"
        f"  client secret  [bold]{new.secret}[/]"
    )
    announcements.tell("client_created", text)


async def _create_with_file(store: Store, parts: Parts, announcements: Announcements) -> None:
    """Create the client when the file is there to take its secret, so that none is lost."""
    path = parts.settings.data_dir.expanduser() / CREDENTIALS_FILE
    try:
        descriptor = _open_private(path)
    except OSError as error:
        text = (
            f"No first client was created: its secret cannot be written to {path} ({error.strerror})."
            " Create one with `orderlane client create`."
        )
        announcements.tell(
            "client_not_created", escape(text), {"reason": error.strerror, "credentials_file": str(path)}
        )
        return
    with os.fdopen(descriptor, "wb") as file:
        new = await add_client(store, parts.sources, FIRST_CLIENT)
        file.write(msgspec.json.encode(new.facts) + b"\n")
    text = (
        f"A first client was created. Its id and secret are in {escape(str(path))}, which only this account may read:"
        " keep them elsewhere and delete it."
    )
    announcements.tell("client_created", text, {"client_id": new.client.id, "credentials_file": str(path)})


def _open_private(path: Path) -> int:
    """A file descriptor of an empty file that only this account may read.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


async def _ensure_instruments(store: Store, sources: Sources) -> None:
    async with store.transaction() as repositories:
        listing = await repositories.instruments.list(Page(0, 1, "isin", "ASC"))
        if not listing.total_count:
            await repositories.instruments.load(shipped_instruments(), sources.ids.new_id, sources.business_clock.now())
