"""Tables for a person: on a narrow terminal too, an id can be copied whole."""

from io import StringIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rich.console import Console, RenderableType

from orderlane.api.scopes import ALL_SCOPES
from orderlane.cli.clients import clients_table, keys_table
from orderlane.cli.portfolio_orders import picture
from orderlane.cli.quarantine import quarantine_table
from orderlane.ports.clients import Client, ClientKey
from orderlane.ports.operator import Quarantined
from orderlane.resources.formats import write_time
from tests.unit.domain.worlds import NOW, world_of_two

COLOURS = {"NEW": "\x1b[36m", "PROCESSING": "\x1b[33m", "FILLED": "\x1b[32m", "CANCELLED": "\x1b[31m"}
ID = "01a2042a-b8d4-70b8-9339-a578848f6288"


def shown(what: RenderableType, *, colours: bool = False) -> str:
    """What an ordinary terminal shows."""
    text = StringIO()
    Console(file=text, width=80, force_terminal=colours, color_system="standard" if colours else None).print(what)
    return text.getvalue()


def test_clients_and_their_keys() -> None:
    pem = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = ClientKey(key_id=ID, public_key=pem.decode(), created_at=NOW, expires_at=NOW)
    client = Client(
        id=ID,
        name="A name that would like much room for itself",
        secret_hash="hash",
        scopes=ALL_SCOPES,
        created_at=NOW,
        require_signatures=True,
        keys=(key,),
    )

    assert ID in shown(clients_table([client]))
    assert ID in shown(keys_table([key]))
    assert "…" not in shown(clients_table([client])) + shown(keys_table([key]))


def test_eighty_columns_break_no_word_of_a_client_or_key() -> None:
    pem = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = ClientKey(key_id=ID, public_key=pem.decode(), created_at=NOW, expires_at=NOW, revoked_at=NOW)
    scopes = ALL_SCOPES - {"users:read"}
    client = Client(
        id=ID, name="reports", secret_hash="hash", scopes=scopes, created_at=NOW, revoked_at=NOW, keys=(key,)
    )
    words = {word for line in shown(clients_table([client])).splitlines() for word in line.split()}
    assert words >= {*scopes, "reports", "revoked", f"{write_time(NOW)},", "optional,", "1"}
    told = shown(keys_table([key]))
    for fact in ("created", "expires", "revoked"):
        assert f"{fact} {write_time(NOW)}" in told


def test_quarantine() -> None:
    error = "Traceback (most recent call last):\n  …\norderlane.domain.errors.UnknownOrder: account … has no order …"

    quarantined = Quarantined(
        id=4711,
        lane=0,
        subject_id=ID,
        kind="PLACE_PORTFOLIO_ORDER",
        error=error,
        quarantined_at=NOW,
        set_aside=3,
    )
    assert ID in shown(quarantine_table([quarantined]))
    assert "PLACE_PORTFOLIO_ORDER" in shown(quarantine_table([quarantined]))


def test_a_portfolio_order() -> None:
    world = world_of_two()
    world.deposit("1000")
    parent = world.place("BUY", "1000")

    text = shown(picture(parent))
    assert all(order.id in text for order in parent.orders)
    assert "…" not in text
    live = shown(picture(parent, with_ids=False))
    assert all(f" {order.isin} " in live and f" {order.status} " in live for order in parent.orders)
    assert max(map(len, live.splitlines())) <= 80


def test_a_status_has_the_colour_that_it_has_in_the_demo() -> None:
    world = world_of_two()
    world.deposit("1000")
    parent = world.place("BUY", "1000")

    text = shown(picture(parent), colours=True)
    for status in {order.status for order in parent.orders}:
        assert f"{COLOURS[status]}{status}" in text


def test_a_cancelled_portfolio_order_shows_its_reason_and_no_empty_table() -> None:
    world = world_of_two()
    parent = world.place("BUY", "1000")

    text = shown(picture(parent))
    assert not parent.orders
    assert str(parent.cancellation_reason) in text
    assert "instrument" not in text
    assert "│" not in text
