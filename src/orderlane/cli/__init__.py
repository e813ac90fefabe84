"""The command line. Every command's module is loaded only when the command runs, so that `--help` is quick."""

from importlib.metadata import version

from cyclopts import App, Group

from orderlane.cli.misuse import error_console, sentence
from orderlane.domain.money import require_exactness

_RUN = Group("Run", sort_key=1)
_LOOK = Group("Look", sort_key=2)
_CHANGE = Group("Change", sort_key=3)
_PROGRAM = Group("Program", sort_key=4)
app = App(
    name="orderlane",
    help="A self-hosted portfolio-order service: one order for a whole portfolio, split, executed, every step told.",
    version=lambda: version("orderlane"),
    error_formatter=sentence,
    error_console=error_console(),
)
app["--help"].group = _PROGRAM
app["--version"].group = _PROGRAM

clients = App(name="client", help="Clients of the API: who may call it.", group=_CHANGE)
keys = App(name="key", help="Public keys with which a client signs its requests.")
instruments = App(name="instruments", help="What can be traded.", group=_CHANGE)
events = App(name="events", help="Events as they were frozen.", group=_LOOK)
portfolio_orders = App(name="portfolio-order", help="Look at a portfolio order.", group=_LOOK)
quarantine = App(name="quarantine", help="Messages that could not be applied; each holds its account.", group=_CHANGE)
webhooks = App(name="webhook", help="Webhook subscriptions of all clients.", group=_CHANGE)

for _group in (clients, instruments, portfolio_orders, events, quarantine, webhooks):
    app.command(_group)
clients.command(keys)

_SERVICE = "orderlane.cli.service"
_CLIENTS = "orderlane.cli.clients"
_PORTFOLIO_ORDERS = "orderlane.cli.portfolio_orders"
_QUARANTINE = "orderlane.cli.quarantine"
_WEBHOOKS = "orderlane.cli.webhooks"

_ROLES = {
    "api": "Run the HTTP API alone.",
    "worker": "Run a lane worker alone; as many as wanted share the lanes.",
    "gateway": "Run a venue gateway alone; as many as wanted share the lanes.",
    "sender": "Run a webhook sender alone; as many as wanted share the subscriptions.",
}


def _examples(*commands: str) -> str:
    """Examples below a command's help, each on a line of its own."""
    return "Examples:\n\n```text\n" + "\n".join(commands) + "\n```"


app.command(
    f"{_SERVICE}:serve",
    help="Run everything: API, lane worker, venue, webhook sender, and the database.",
    group=_RUN,
    sort_key=1,
    help_epilogue=_examples(
        "orderlane serve",
        "orderlane serve --port 8090 --data-dir ./data --allow-insecure-webhooks",
        "ORDERLANE_DATABASE_URL=postgresql://user@host/database orderlane serve",
    ),
)
app.command(
    "orderlane.cli.demo:demo",
    help="Watch one portfolio order travel from 202 Accepted to its last webhook.",
    group=_RUN,
    sort_key=2,
)
for _name, _help in _ROLES.items():
    app.command(f"{_SERVICE}:{_name}", help=_help, group=_RUN, sort_key=3)
app.command(
    "orderlane.cli.schema:migrate",
    help="Migrate the database schema to this version.",
    group=_CHANGE,
    help_epilogue=_examples("orderlane migrate --check", "orderlane migrate"),
)
app.command(
    "orderlane.cli.doctor:doctor",
    help="Say in words what is wrong; exit code 1 if something is.",
    group=_LOOK,
    sort_key=1,
    help_epilogue=_examples("orderlane doctor", "orderlane doctor --json | grep '\"is_well\":false'"),
)

clients.command(
    f"{_CLIENTS}:create",
    help="Create a client. Its secret is shown only now.",
    help_epilogue=_examples(
        "orderlane client create --name shop --json > client.json",
        "orderlane client create --name reports --scope portfolios:read --scope accounts:read",
        "orderlane client create --name bank --public-key bank.pem --require-signatures",
    ),
)
clients.command(f"{_CLIENTS}:list_all", name="list", help="List the clients.")
clients.command(f"{_CLIENTS}:show", help="Show a client with its settings and keys.")
clients.command(f"{_CLIENTS}:update", help="Change with which status a client's portfolio orders are accepted.")
clients.command(f"{_CLIENTS}:revoke", help="Revoke a client.")
keys.command(f"{_CLIENTS}:add_key", name="add", help="Register one more public key.")
keys.command(f"{_CLIENTS}:list_keys", name="list", help="List a client's public keys.")
keys.command(f"{_CLIENTS}:revoke_key", name="revoke", help="Revoke a public key.")
instruments.command(
    "orderlane.cli.instruments:load",
    help="Add and change instruments from a CSV file.",
    help_epilogue=_examples("orderlane instruments load instruments.csv"),
)
portfolio_orders.command(
    f"{_PORTFOLIO_ORDERS}:show",
    help="Show a portfolio order with its individual orders.",
    help_epilogue=_examples("orderlane portfolio-order show 01a2042a-c54f-7000-bf25-b57c6ba1cb80 --data-dir ./data"),
)
portfolio_orders.command(
    f"{_PORTFOLIO_ORDERS}:watch",
    help="Follow a portfolio order live until it is final.",
    help_epilogue=_examples("orderlane portfolio-order watch 01a2042a-c54f-7000-bf25-b57c6ba1cb80"),
)
events.command("orderlane.cli.events:show", help="Show every event of a portfolio order, byte for byte.")
quarantine.command(f"{_QUARANTINE}:list_all", name="list", help="List quarantined messages.")
quarantine.command(f"{_QUARANTINE}:release", help="Put a message, and what waits behind it, back into the inbox.")
webhooks.command(f"{_WEBHOOKS}:list_all", name="list", help="List the webhook subscriptions of all clients.")
webhooks.command(f"{_WEBHOOKS}:disable", help="Disable a subscription: nothing more is sent to it.")
webhooks.command(f"{_WEBHOOKS}:enable", help="Enable a subscription: it goes on where it stopped.")
webhooks.command(f"{_WEBHOOKS}:delete", help="Delete a subscription, and what is not delivered to it.")


def main() -> None:
    """Run the command that the program was started with, in a process whose arithmetic is exact."""
    require_exactness()
    app()
