"""What the first start of a whole service prepares: a list of instruments, and a client to begin with."""

from orderlane.bootstrap import database as databases
from orderlane.cli.announcements import Announcements
from orderlane.cli.new_clients import NewClient, add_client
from orderlane.cli.parts import Parts
from orderlane.master_data.instruments import shipped_instruments
from orderlane.ports.paging import Page
from orderlane.ports.store import Store
from orderlane.sources import Sources

FIRST_CLIENT = "first client"


async def prepare_first_start(parts: Parts, announcements: Announcements) -> None:
    """Load the shipped instruments if there are none, create a client if there is none, and show its secret."""
    async with databases.open_store(parts.database) as store:
        await _ensure_instruments(store, parts.sources)
        client = await _ensure_client(store, parts.sources)
    if client is not None:
        text = (
            "A first client was created. Its secret is shown [bold]only now[/]:\n"
            f"  client id      [bold]{client.client.id}[/]\n"
            f"  client secret  [bold]{client.secret}[/]"
        )
        announcements.tell("client_created", text, client.facts)


async def _ensure_instruments(store: Store, sources: Sources) -> None:
    async with store.transaction() as repositories:
        listing = await repositories.instruments.list(Page(0, 1, "isin", "ASC"))
        if not listing.total_count:
            await repositories.instruments.load(shipped_instruments(), sources.ids.new_id, sources.business_clock.now())


async def _ensure_client(store: Store, sources: Sources) -> NewClient | None:
    async with store.reading() as repositories:
        clients = await repositories.clients.all()
    return None if clients else await add_client(store, sources, FIRST_CLIENT)
