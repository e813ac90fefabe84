"""The system tests' auditor finds every fault that it is there for."""

import pytest

from tests.system.auditor import audit_database


async def filled(scene, worker) -> None:
    account = scene.accounts[0]
    await scene.deposit(account, "2000")
    portfolio_order = await scene.place(account, "1000")
    await worker.work_off()
    await scene.execute_all(portfolio_order)
    await worker.work_off()
    await scene.connection.execute("DELETE FROM venue_outbox")


async def accepted(scene) -> list:
    return [str(row["id"]) for row in await scene.rows("SELECT id FROM parent_orders")]


async def test_a_sound_system_passes(scene, worker) -> None:
    await filled(scene, worker)

    await audit_database(scene.connection, await accepted(scene))


UNPROTECT = "ALTER TABLE events_default DISABLE TRIGGER events_are_final"
LEGS = "convert_from(legs, 'UTF8')"


def rewritten(pattern: str, replacement: str) -> str:
    """Change the documents of all parent orders."""
    return (
        f"UPDATE parent_orders SET legs = convert_to(regexp_replace({LEGS}, '{pattern}', '{replacement}', 'g'), 'UTF8')"
    )


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("UPDATE holdings SET quantity = quantity + 0.01 WHERE asset = 'EUR'", "the sum of their journal"),
        ("DELETE FROM holdings WHERE asset <> 'EUR'", "the sum of their journal"),
        (rewritten('"share_quantity":"10', '"share_quantity":"11'), "deposited and executed"),
        (rewritten('"executions":\\[[^]]*\\]', '"executions":[]'), "deposited and executed"),
        (rewritten('"reported_quantity":"', '"reported_quantity":"1'), "something else than their executions"),
        ("UPDATE lanes SET position = position + 1 WHERE position > 0", "lanes with gaps"),
        ("DELETE FROM events_default WHERE position = 1", "lanes with gaps"),
        ("UPDATE parent_orders SET sequence = sequence + 1", "gaps in their sequence"),
        ("UPDATE events_default SET sequences[2] = 10, sequences[4] = 9 WHERE position = 3", "runs against their lane"),
        (rewritten('"venue_execution_id":"[^"]*"', '"venue_execution_id":"same"'), "booked twice"),
        ("UPDATE parent_orders SET cash_amount = cash_amount + 0.01", "not split to the cent"),
        ("UPDATE parent_orders SET status = 'PROCESSING'", "PROCESSING"),
        ("UPDATE parent_orders SET legs_filled = legs_filled - 1", "counts of legs"),
        (
            "INSERT INTO inbox (lane, subject_id, kind, message, actor)"
            " SELECT lane, id, 'BOOK_DEPOSIT', '{}', 'tests' FROM accounts",
            "inbox",
        ),
    ],
)
async def test_a_fault_is_found(scene, worker, fault: str, named: str) -> None:
    await filled(scene, worker)
    placed = await accepted(scene)
    await scene.connection.execute(f"{UNPROTECT}; {fault}")

    with pytest.raises(AssertionError, match=named):
        await audit_database(scene.connection, placed)


async def test_a_lost_and_an_unknown_portfolio_order_are_found(scene, worker) -> None:
    await filled(scene, worker)
    placed = await accepted(scene)

    with pytest.raises(AssertionError, match="lost"):
        await audit_database(scene.connection, [*placed, scene.accounts[0]])
    with pytest.raises(AssertionError, match="was not accepted"):
        await audit_database(scene.connection, [])
