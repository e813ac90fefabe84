"""Tables for a person: on a narrow terminal too, an id can be copied whole."""

from io import StringIO
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rich.console import Console, RenderableType

from orderlane.api.scopes import ALL_SCOPES
from orderlane.cli.clients import clients_table, keys_table
from orderlane.cli.portfolio_orders import picture
from orderlane.cli.quarantine import quarantine_table
from orderlane.ports.clients import Client, ClientKey
from orderlane.ports.operations import PortfolioOrderStory, Quarantined
from orderlane.resources.orders import order_resource, portfolio_order_resource
from tests.unit.domain.worlds import NOW, world_of_two

ID = UUID("01a2042a-b8d4-70b8-9339-a578848f6288")


def shown(what: RenderableType) -> str:
    """What an ordinary terminal shows."""
    text = StringIO()
    Console(file=text, width=80).print(what)
    return text.getvalue()


def test_clients_and_their_keys() -> None:
    pem = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = ClientKey(str(ID), pem.decode(), NOW, expires_at=NOW)
    client = Client(ID, "A name that would like much room for itself", "hash", ALL_SCOPES, NOW, True, keys=(key,))

    assert str(ID) in shown(clients_table([client]))
    assert str(ID) in shown(keys_table([key]))
    assert "…" not in shown(clients_table([client])) + shown(keys_table([key]))


def test_quarantine() -> None:
    error = "Traceback (most recent call last):\n  …\norderlane.domain.errors.UnknownOrder: account … has no order …"

    assert str(ID) in shown(quarantine_table([Quarantined(4711, 5, ID, "PLACE_PORTFOLIO_ORDER", error, NOW)]))


def test_a_portfolio_order() -> None:
    world = world_of_two()
    world.deposit("1000")
    placed = world.place("BUY", "1000")
    orders = world.orders(placed)
    story = PortfolioOrderStory(portfolio_order_resource(placed, orders), [order_resource(one) for one in orders], 3)

    text = shown(picture(story))
    assert all(str(one.id) in text for one in orders)
    assert "…" not in text
    live = shown(picture(story, with_ids=False))
    assert all(f" {one.instrument_id} " in live and f" {one.status} " in live for one in story.orders)
    assert max(map(len, live.splitlines())) <= 80
