"""The command line. Every command's module is loaded only when the command runs, so that `--help` is quick."""

from importlib.metadata import version

from cyclopts import App

app = App(
    name="orderlane",
    help="A self-hosted portfolio-order service: one order for a whole portfolio, split, executed, every step told.",
    version=lambda: version("orderlane"),
)
clients = App(name="client", help="Clients of the API: who may call it.")
keys = App(name="key", help="Public keys with which a client signs its requests.")
instruments = App(name="instruments", help="What can be traded.")
events = App(name="events", help="Events as they were frozen.")
portfolio_orders = App(name="portfolio-order", help="Look at a portfolio order.")
quarantine = App(name="quarantine", help="Messages that could not be applied; each holds its account.")

for _group in (clients, instruments, portfolio_orders, events, quarantine):
    app.command(_group)
clients.command(keys)

_SERVICE = "orderlane.cli.service"
_CLIENTS = "orderlane.cli.clients"
_PORTFOLIO_ORDERS = "orderlane.cli.portfolio_orders"
_QUARANTINE = "orderlane.cli.quarantine"

app.command("orderlane.cli.demo:demo", help="Watch one portfolio order travel from 202 Accepted to its last webhook.")
app.command(f"{_SERVICE}:serve", help="Run everything: API, lane worker, venue, webhook sender, and the database.")
app.command(f"{_SERVICE}:api", help="Run the HTTP API alone.")
app.command(f"{_SERVICE}:worker", help="Run a lane worker alone; as many as wanted share the lanes.")
app.command(f"{_SERVICE}:sender", help="Run a webhook sender alone; as many as wanted share the subscriptions.")
app.command(f"{_SERVICE}:gateway", help="Run a venue gateway alone; as many as wanted share the lanes.")
app.command("orderlane.cli.schema:migrate", help="Migrate the database schema to this version.")
app.command("orderlane.cli.doctor:doctor", help="Say in words what is wrong; exit code 1 if something is.")

clients.command(f"{_CLIENTS}:create", help="Create a client. Its secret is shown only now.")
clients.command(f"{_CLIENTS}:list_all", name="list", help="List the clients.")
clients.command(f"{_CLIENTS}:revoke", help="Revoke a client.")
keys.command(f"{_CLIENTS}:add_key", name="add", help="Register one more public key.")
keys.command(f"{_CLIENTS}:list_keys", name="list", help="List a client's public keys.")
keys.command(f"{_CLIENTS}:revoke_key", name="revoke", help="Revoke a public key.")
instruments.command("orderlane.cli.instruments:load", help="Add and change instruments from a CSV file.")
portfolio_orders.command(f"{_PORTFOLIO_ORDERS}:show", help="Show a portfolio order with its individual orders.")
portfolio_orders.command(f"{_PORTFOLIO_ORDERS}:watch", help="Follow a portfolio order live until it is final.")
events.command("orderlane.cli.events:show", help="Show every event of a portfolio order, byte for byte.")
quarantine.command(f"{_QUARANTINE}:list_all", name="list", help="List quarantined messages.")
quarantine.command(f"{_QUARANTINE}:release", help="Put a message, and what waits behind it, back into the inbox.")


def main() -> None:
    """Run the command that the program was started with."""
    app()
