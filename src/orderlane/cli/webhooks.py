"""Commands for the webhook subscriptions of all clients."""

import sys
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from orderlane.cli.announcements import console, id_column, narrow_table, text_column, write_json
from orderlane.cli.database import opened_operator
from orderlane.cli.findings import words
from orderlane.cli.options import AsJson, DataOptions
from orderlane.cli.outcome import CommandRefused, complete
from orderlane.domain.ids import SubscriptionId
from orderlane.ports.operator import DeliveryHealth
from orderlane.resources.formats import write_time

WebhookId = Annotated[UUID, Parameter(help="The subscription's id, as `webhook list` shows it.")]
AGREEMENTS = ("y", "yes")


def list_all(*, json: AsJson = False, options: DataOptions | None = None) -> None:
    """List the webhook subscriptions of all clients: whose, where to, and how their deliveries are."""

    async def command() -> None:
        async with opened_operator(options, reads_only=True) as operator:
            webhooks = await operator.deliveries()
        if json:
            for webhook in webhooks:
                write_json(webhook_facts(webhook))
        elif webhooks:
            console().print(webhooks_table(webhooks))
        else:
            console().print("there is no webhook subscription")

    complete(command())


def disable(webhook_id: WebhookId, /, *, options: DataOptions | None = None) -> None:
    """Disable a subscription: nothing more is sent to it. Its events wait, and its client is told why."""
    complete(_enable(webhook_id, options, enabled=False))


def enable(webhook_id: WebhookId, /, *, options: DataOptions | None = None) -> None:
    """Enable a subscription: it goes on where it stopped."""
    complete(_enable(webhook_id, options, enabled=True))


def delete(
    webhook_id: WebhookId,
    /,
    *,
    yes: Annotated[bool, Parameter(help="Do not ask.", negative="")] = False,
    options: DataOptions | None = None,
) -> None:
    """Delete a subscription with what is not delivered to it. Asks before it does, unless --yes is given."""

    async def command() -> None:
        subscription_id = SubscriptionId(str(webhook_id))
        async with opened_operator(options, reads_only=False) as operator:
            webhook = await operator.webhook(subscription_id)
            if not yes:
                ask(webhook)
            await operator.delete_webhook(subscription_id)
        console().print(f"webhook {webhook_id} deleted: {described(webhook)}")

    complete(command())


async def _enable(webhook_id: UUID, options: DataOptions | None, *, enabled: bool) -> None:
    async with opened_operator(options, reads_only=False) as operator:
        await operator.enable_webhook(SubscriptionId(str(webhook_id)), enabled=enabled)
    console().print(f"webhook {webhook_id} {'enabled' if enabled else 'disabled'}")


def ask(webhook: DeliveryHealth) -> None:
    """Have a person agree that a subscription is deleted.

    Raises:
        CommandRefused: nobody agrees, or nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise CommandRefused("webhook delete asks on a terminal only: give --yes to delete without being asked")
    lost = "" if webhook.oldest_undelivered_age is None else " Its undelivered events will not be sent."
    console().print(f"Delete webhook {described(webhook)}?{lost}")
    sys.stdout.write("Type yes to delete it: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in AGREEMENTS:
        raise CommandRefused(f"webhook {webhook.subscription_id} is not deleted")


def described(webhook: DeliveryHealth) -> str:
    """Whose subscription it is and where to, with rich's markup."""
    return f"{escape(webhook.title)} of client {escape(webhook.client_name)} to {escape(webhook.url)}"


def webhook_facts(webhook: DeliveryHealth) -> dict[str, object]:
    """A subscription as a program is told of it."""
    age, last = webhook.oldest_undelivered_age, webhook.last_attempt_at
    return {
        "webhook_id": webhook.subscription_id,
        "client_id": webhook.client_id,
        "client_name": webhook.client_name,
        "title": webhook.title,
        "url": webhook.url,
        "enabled": webhook.enabled,
        "disabled_reason": webhook.disabled_reason,
        "has_sender": webhook.has_sender,
        "oldest_undelivered_seconds": None if age is None else round(age.total_seconds(), 3),
        "failed_attempts": webhook.attempts,
        "last_error": webhook.last_error,
        "last_attempt_at": None if last is None else write_time(last),
    }


def webhooks_table(webhooks: Sequence[DeliveryHealth]) -> Table:
    """The subscriptions for a person."""
    table = narrow_table(id_column("webhook"), text_column("client, title, url"), text_column("state, deliveries"))
    for webhook in webhooks:
        whose = [webhook.client_name, webhook.title, webhook.url]
        table.add_row(webhook.subscription_id, "\n".join(map(escape, whose)), "\n".join(map(escape, state_of(webhook))))
    return table


def state_of(webhook: DeliveryHealth) -> list[str]:
    """How a subscription is, in a few short lines."""
    age, last = webhook.oldest_undelivered_age, webhook.last_attempt_at
    lines = ["enabled" if webhook.enabled else f"disabled: {webhook.disabled_reason or 'by its client'}"]
    lines.append("all delivered" if age is None else f"oldest undelivered: {words(age)}")
    if webhook.attempts:
        lines.append(f"{webhook.attempts} attempts failed, the last with: {webhook.last_error}")
    if last is not None:
        lines.append(f"last attempt {write_time(last)}")
    return lines
