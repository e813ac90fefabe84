"""The program's own process: an operator on decimals that would round raises, wherever it runs."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from orderlane.domain.bounds import AMOUNT_MAX
from orderlane.domain.money import add, subtract, total
from orderlane_client import Problem
from tests.system.auditor import audit
from tests.system.investors import Market
from tests.system.mailbox import open_mailbox
from tests.system.processes import run_command, running_service

DEFAULT_CONTEXT_DIGITS = 28
LEFT_OVER = Decimal("0.02")
"""The rest cannot be divided by the price."""

ENTRY = """
import asyncio, decimal, json, runpy, sys, threading
from orderlane import cli

OPERATORS = {
    "divide": lambda: decimal.Decimal(1) / 3,
    "add": lambda: decimal.Decimal("1E+90") + 1,
    "negate": lambda: -decimal.Decimal("1." + "1" * 90),
    "sum": lambda: sum([decimal.Decimal("1E+90"), decimal.Decimal(1)]),
    "float": lambda: decimal.Decimal(1) < 1.5,
    "zero": lambda: decimal.Decimal(1) / 0,
}

def signals():
    found = {}
    for name, operator in OPERATORS.items():
        try:
            found[name] = str(operator())
        except decimal.DecimalException as signal:
            found[name] = type(signal).__name__
    return found

@cli.app.command
def probe():
    found = {"command": signals()}
    thread = threading.Thread(target=lambda: found.update(thread=signals()))
    thread.start()
    thread.join()

    async def task(place):
        found[place] = signals()

    async def loop():
        await asyncio.gather(task("task"))
        found["to_thread"] = await asyncio.to_thread(signals)
        found["executor"] = await asyncio.get_running_loop().run_in_executor(None, signals)

    asyncio.run(loop())
    print(json.dumps(found))

sys.argv = ["orderlane", "probe"]
runpy.run_module("orderlane", run_name="__main__")
"""
RAISED = {
    "divide": "Inexact",
    "add": "Inexact",
    "negate": "Inexact",
    "sum": "Inexact",
    "float": "FloatOperation",
    "zero": "DivisionByZero",
}


def test_no_operator_rounds_in_a_process_of_the_program() -> None:
    process = subprocess.run([sys.executable, "-c", ENTRY], capture_output=True, text=True, check=True, timeout=60)

    places = json.loads(process.stdout)
    assert places == dict.fromkeys(("command", "thread", "task", "to_thread", "executor"), RAISED)


WHOLE = {"ORDERLANE_VENUE_SIMULATED_SPLIT_PERCENT": "0"}
PENNY = "IE00B4L5Y983"
INSTRUMENTS = f"""isin,wkn,name,currency,minimum_amount,fractional,trading_status,price
{PENNY},,Penny,EUR,1,true,ACTIVE,0.0003
"""


async def test_the_largest_order_of_the_cheapest_is_held_to_the_last_digit(tmp_path: Path) -> None:
    """More digits than Python's default of 28, through every process and back; beyond the bound nothing is accepted."""
    file = tmp_path / "penny.csv"
    file.write_text(INSTRUMENTS)
    async with running_service(tmp_path, **WHOLE) as service, service.client() as client, open_mailbox() as mailbox:
        loaded = await run_command("instruments", "load", file, "--data-dir", service.data_dir)
        assert loaded.code == 0, loaded.err
        market = Market(client)
        await market.open(1, AMOUNT_MAX, {PENNY: Decimal(1)})
        [investor] = market.investors
        await mailbox.subscribe(client)

        with pytest.raises(Problem, match=r"cash_amount.*at most 1000000000000000"):
            await market.place(investor, Decimal("20000000000000000.00"))
        bought = await market.place(investor, subtract(AMOUNT_MAX, LEFT_OVER))
        await mailbox.until_final([bought.id])

        executed: dict[str, Decimal] = {}
        for order in await client.account_orders(investor.account_id):
            units = total(trade.share_quantity for trade in order.executions)
            executed[order.instrument_id] = add(executed.get(order.instrument_id, Decimal(0)), units)
        held = {one.instrument.isin: one.quantity for one in await client.positions(investor.account_id)}
        assert held == executed
        assert max(len(units.as_tuple().digits) for units in held.values()) > DEFAULT_CONTEXT_DIGITS
        assert (await client.cash_balance(investor.account_group_id)).balance == LEFT_OVER
        assert (await client.portfolio_order(bought.id)).executed_cash_amount == subtract(AMOUNT_MAX, LEFT_OVER)
        await audit(await service.dsn(), market.accepted_ids, mailbox.received)
