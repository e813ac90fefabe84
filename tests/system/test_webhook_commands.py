"""An operator lists, disables, enables and deletes the subscriptions of all clients; the doctor names the commands."""

import asyncio
import os
import pty
import sys
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from orderlane.ports.webhooks import Subscription
from orderlane.postgres.webhooks import PostgresSubscriptions
from orderlane.sources import system_sources
from tests.database.webhooks.events import EventWriter
from tests.database.webhooks.subscriptions import add_subscription, new_client
from tests.system.processes import Finished, environment, run_command

NOWHERE = "http://127.0.0.1:9"
UNKNOWN = "0190163d-8694-739b-aea5-966c26f8ad91"
COUNT = "SELECT count(*) FROM webhook_cursors"


@pytest.fixture
def settings(dsn: str) -> dict[str, str]:
    return {"ORDERLANE_DATABASE_URL": dsn, "COLUMNS": "80"}


@pytest.fixture
async def dead(connection: asyncpg.Connection) -> Subscription:
    """The subscription of a quickstart that is gone: one attempt has failed, and one event waits."""
    sources = system_sources()
    client_id = await new_client(connection, sources, "quickstart")
    created_at = sources.clock.now() - timedelta(hours=1)
    subscription = await add_subscription(
        connection, sources, client_id, NOWHERE, title="down", created_at=created_at, updated_at=created_at
    )
    await EventWriter(connection, sources, client_id).write(0)
    await connection.execute(
        "UPDATE webhook_cursors SET attempts = 7, last_error = 'connection_refused' WHERE subscription_id = $1",
        subscription.id,
    )
    row = (sources.ids.new_id(), subscription.id, sources.ids.new_id(), 7, sources.clock.now())
    row += (12, None, "connection_refused", 99, [])
    await connection.copy_records_to_table("webhook_attempts", records=[row])
    return subscription


async def webhook(settings: dict[str, str], *arguments: str) -> Finished:
    return await run_command("webhook", *arguments, settings=settings)


async def listed(settings: dict[str, str]) -> list[dict[str, Any]]:
    return (await webhook(settings, "list", "--json")).lines


async def doctors_finding(settings: dict[str, str]) -> dict[str, Any]:
    lines = (await run_command("doctor", "--json", settings=settings)).lines
    return next(line for line in lines if line["subject"].startswith("webhook"))


async def test_subscriptions_are_listed_for_a_person_and_for_a_program(
    settings: dict[str, str], dead: Subscription
) -> None:
    shown = await webhook(settings, "list")

    assert shown.code == 0, shown.err
    assert max(map(len, shown.out.splitlines())) <= 80
    words = " ".join(shown.out.split())
    for text in (dead.id, "quickstart", "down", "enabled", "7 attempts failed", "connection_refused"):
        assert text in words
    [facts] = await listed(settings)
    assert facts["webhook_id"] == dead.id
    assert facts["client_name"] == "quickstart"
    assert (facts["enabled"], facts["failed_attempts"], facts["last_error"]) == (True, 7, "connection_refused")
    assert facts["oldest_undelivered_seconds"] >= 0
    assert facts["last_attempt_at"] is not None


async def test_a_disabled_subscription_worries_the_doctor_no_more(
    settings: dict[str, str], dead: Subscription, connection: asyncpg.Connection
) -> None:
    before = await doctors_finding(settings)
    disabled = await webhook(settings, "disable", dead.id)

    assert (before["is_well"], disabled.code) == (False, 0)
    assert disabled.out == f"webhook {dead.id} disabled\n"
    after = await doctors_finding(settings)
    assert (after["is_well"], after["text"]) == (True, "disabled: the operator disabled it")
    stored = await PostgresSubscriptions(connection).get(dead.client_id, dead.id)
    assert (stored.enabled, stored.disabled_reason) == (False, "the operator disabled it")
    assert stored.updated_at > dead.updated_at

    assert (await webhook(settings, "enable", dead.id)).out == f"webhook {dead.id} enabled\n"
    stored = await PostgresSubscriptions(connection).get(dead.client_id, dead.id)
    assert (stored.enabled, stored.disabled_reason) == (True, None)


async def test_a_subscription_is_deleted_when_it_is_meant(
    settings: dict[str, str], dead: Subscription, connection: asyncpg.Connection
) -> None:
    unasked = await webhook(settings, "delete", dead.id)
    assert (unasked.code, unasked.out) == (1, "")
    assert (
        unasked.err == "orderlane: webhook delete asks on a terminal only: give --yes to delete without being asked\n"
    )
    assert await connection.fetchval(COUNT) == 1

    deleted = await webhook(settings, "delete", dead.id, "--yes")
    assert deleted.code == 0, deleted.err
    assert deleted.out == f"webhook {dead.id} deleted: down of client quickstart to {NOWHERE}\n"
    assert (await webhook(settings, "list")).out == "there is no webhook subscription\n"
    assert await connection.fetchval("SELECT count(*) FROM webhook_attempts") == 0
    assert await connection.fetchval(COUNT) == 0


@pytest.mark.parametrize(
    ("reply", "is_deleted"), [(b"\n", False), pytest.param(b"yes\n", True, marks=pytest.mark.thorough)]
)
async def test_on_a_terminal_it_is_asked_first(
    settings: dict[str, str], dead: Subscription, connection: asyncpg.Connection, reply: bytes, is_deleted: bool
) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orderlane", "webhook", "delete", dead.id),
        stdin=theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**settings),
    )
    os.write(ours, reply)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    os.close(theirs)
    os.close(ours)

    assert f"Delete webhook down of client quickstart to {NOWHERE}?" in " ".join(out.decode().split())
    assert "Its undelivered events will not be sent." in " ".join(out.decode().split())
    assert process.returncode == (0 if is_deleted else 1)
    assert err.decode() == ("" if is_deleted else f"orderlane: webhook {dead.id} is not deleted\n")
    assert await connection.fetchval(COUNT) == (0 if is_deleted else 1)


@pytest.mark.parametrize("arguments", [("disable",), pytest.param(("delete", "--yes"), marks=pytest.mark.thorough)])
async def test_a_subscription_that_does_not_exist(settings: dict[str, str], arguments: tuple[str, ...]) -> None:
    refused = await webhook(settings, *arguments, UNKNOWN)

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"orderlane: there is no webhook {UNKNOWN}\n"
