"""`python -m orderlane_client`: a webhook receiver as a process of its own, speaking JSON lines.

It prints `{"listening": URL}`, then waits for one line on its standard input, `{"keys": [...], "secrets": [...]}`: the
service's key set and the subscription's secrets. From then on it prints a line for every event (`event`, `request`,
`received_at`, `seconds_since_transition`: a `ReceivedEvent`), and one for every refusal, `{"refused": REASON}`. It ends
when its standard input does, and tells how much it received: `requests`, `events`, `duplicates`, `refused`.
"""

import argparse
import asyncio
import sys
from contextlib import suppress

import msgspec

from orderlane_client.receiver import WebhookReceiver
from orderlane_client.signatures import WebhookVerifier


def main() -> None:
    """Run the receiver until its standard input ends."""
    arguments = argparse.ArgumentParser(prog="python -m orderlane_client", description="Receive and verify webhooks.")
    arguments.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    arguments.add_argument("--port", default=0, type=int, help="the port to listen on; 0 takes any free one")
    chosen = arguments.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(receive(chosen.host, chosen.port))


async def receive(host: str, port: int) -> None:
    """Listen, and print what comes."""
    async with WebhookReceiver(None, host, port) as receiver:
        write({"listening": receiver.url})
        lines = await standard_input()
        trusted = msgspec.json.decode(await lines.readline() or b'{"keys": [], "secrets": []}')
        receiver.verifier = WebhookVerifier(trusted["keys"], trusted["secrets"])
        printing = asyncio.create_task(print_events(receiver))
        refusing = asyncio.create_task(print_refusals(receiver))
        await lines.read()
        printing.cancel()
        refusing.cancel()
        await asyncio.gather(printing, refusing, return_exceptions=True)
    write(receiver.received)


async def print_events(receiver: WebhookReceiver) -> None:
    """Print every event as it comes."""
    async for received in receiver:
        write(received)


async def print_refusals(receiver: WebhookReceiver) -> None:
    """Print why requests were refused."""
    while True:
        write({"refused": await receiver.refusals.get()})


async def standard_input() -> asyncio.StreamReader:
    """The standard input, to be read without blocking."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def write(line: object) -> None:
    """Print one JSON object as a line, at once."""
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
