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
    return [row["id"] for row in await scene.rows("SELECT id FROM portfolio_orders")]


async def test_a_sound_system_passes(scene, worker) -> None:
    await filled(scene, worker)

    await audit_database(scene.connection, await accepted(scene))


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("UPDATE holdings SET quantity = quantity + 0.01 WHERE asset = 'EUR'", "the sum of their journal"),
        ("DELETE FROM holdings WHERE asset <> 'EUR'", "the sum of their journal"),
        ("UPDATE executions SET share_quantity = share_quantity / 2", "deposited and executed"),
        ("DELETE FROM executions WHERE isin = (SELECT min(isin) FROM executions)", "deposited and executed"),
        ("UPDATE orders SET reported_quantity = reported_quantity + 1", "something else than their executions"),
        ("UPDATE lanes SET position = position + 1 WHERE position > 0", "lanes with gaps"),
        ("DELETE FROM events_default WHERE sequence = 3", "lanes with gaps"),
        ("UPDATE portfolio_orders SET sequence = sequence + 1", "gaps in their sequence"),
        ("UPDATE events_default SET sequence = 16 - sequence WHERE sequence IN (7, 9)", "runs against their lane"),
        ("UPDATE executions SET venue_execution_id = 'same'", "booked twice"),
        ("UPDATE portfolio_orders SET cash_amount = cash_amount + 0.01", "not split to the cent"),
        ("UPDATE portfolio_orders SET status = 'PROCESSING'", "PROCESSING"),
        (
            "INSERT INTO inbox (lane, account_id, kind, payload) SELECT lane, id, 'DEPOSIT', '{}' FROM accounts",
            "inbox",
        ),
    ],
)
async def test_a_fault_is_found(scene, worker, fault: str, named: str) -> None:
    await filled(scene, worker)
    placed = await accepted(scene)
    await scene.connection.execute(fault)

    with pytest.raises(AssertionError, match=named):
        await audit_database(scene.connection, placed)


async def test_a_lost_and_an_unknown_portfolio_order_are_found(scene, worker) -> None:
    await filled(scene, worker)
    placed = await accepted(scene)

    with pytest.raises(AssertionError, match="lost"):
        await audit_database(scene.connection, [*placed, scene.accounts[0]])
    with pytest.raises(AssertionError, match="was not accepted"):
        await audit_database(scene.connection, [])
