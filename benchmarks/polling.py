"""Polls an address all the time, in a process of its own, and tells how long the answers took."""

import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Event, Thread

import msgspec
from msgspec import Struct

PAUSE_SECONDS = 0.01


class Polled(Struct, frozen=True):
    """What to ask: the path on a host and port, with a token if one is needed."""

    host: str
    port: int
    path: str
    token: str = ""


class Latencies(Struct, frozen=True):
    """How long each answer took, in seconds, and the answers that were not 200."""

    seconds: list[float]
    refused: list[int]


def poll(polled: Polled, stop: Event) -> Latencies:
    """Ask again and again, with a pause of 10 ms behind each answer, until `stop` is set."""
    answers = list(_answers(polled, stop))
    return Latencies([seconds for seconds, _ in answers], [status for _, status in answers if status != 200])


def _answers(polled: Polled, stop: Event) -> Iterator[tuple[float, int]]:
    connection = HTTPConnection(polled.host, polled.port, timeout=60)
    headers = {"authorization": f"Bearer {polled.token}"} if polled.token else {}
    while not stop.wait(PAUSE_SECONDS):
        began = time.perf_counter()
        connection.request("GET", polled.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        yield time.perf_counter() - began, answer.status
    connection.close()


def main() -> None:
    """Poll what the first line says, until the input ends; print the latencies."""
    polled = msgspec.json.decode(sys.stdin.buffer.readline(), type=Polled)
    stop = Event()
    Thread(target=lambda: (sys.stdin.buffer.read(), stop.set()), daemon=True).start()
    sys.stdout.buffer.write(msgspec.json.encode(poll(polled, stop)))


if __name__ == "__main__":
    main()
