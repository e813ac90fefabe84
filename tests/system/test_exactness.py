"""The program's own process: an operator on decimals that would round raises, wherever it runs."""

import json
import subprocess
import sys

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
