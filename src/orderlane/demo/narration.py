"""How the demo is told: to a person as it happens, or to a program as JSON lines."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Protocol

import msgspec
from rich.console import Console
from rich.text import Text

from orderlane.demo.proofs import Proof
from orderlane.demo.statuses import STATUS_SIGNS, STATUS_STYLES
from orderlane.domain.money import multiply, plain
from orderlane.resources.formats import write_time
from orderlane_client import PortfolioOrder, WebhookEvent

NAME_WIDTH = 30
ISIN_WIDTH = 12
WIDE_COLUMNS_MIN = 110
"""From how many columns a terminal shows everything; a narrower one, of at least 80, gets ISINs for names, and of the
state of the whole only its signs."""
_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What stands before the order is placed: weights and names of the instruments by ISIN."""

    currency: str
    deposit: Decimal
    amount: Decimal
    weights: Mapping[str, Decimal]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that has just come, seconds after the POST, and seconds after the transition that it tells of."""

    event: WebhookEvent
    since_post: float
    since_transition: float


class Narrator(Protocol):
    """Tells the demo, step by step. Durations are in seconds."""

    def begin(self) -> None:
        """The processes are being started."""
        ...

    def running(self, service_url: str, receiver_url: str, took: float) -> None:
        """Service and receiver listen."""
        ...

    def prepared(self, prepared: Prepared) -> None:
        """Everything is there but the order."""
        ...

    def accepted(self, accepted: PortfolioOrder, took: float) -> None:
        """The order was answered with 202."""
        ...

    def arrived(self, arrival: Arrival) -> None:
        """An event came."""
        ...

    def proven(self, proofs: Sequence[Proof], last_after: float) -> None:
        """It is over: the last event came `last_after` the POST."""
        ...


class JsonNarrator:
    """One JSON object a line; each has a `step`."""

    def begin(self) -> None:
        """Say that it begins."""
        _write("begin")

    def running(self, service_url: str, receiver_url: str, took: float) -> None:
        """Say where the processes listen."""
        _write("running", service_url=service_url, receiver_url=receiver_url, milliseconds=_ms(took))

    def prepared(self, prepared: Prepared) -> None:
        """Say what was created."""
        _write("prepared", **asdict(prepared))

    def accepted(self, accepted: PortfolioOrder, took: float) -> None:
        """Give the answer to the POST."""
        _write("accepted", status=202, portfolio_order=accepted, milliseconds=_ms(took))

    def arrived(self, arrival: Arrival) -> None:
        """Give an event whole."""
        times = {"milliseconds": _ms(arrival.since_post), "transit_milliseconds": _ms(arrival.since_transition)}
        _write("webhook", event=arrival.event, **times)

    def proven(self, proofs: Sequence[Proof], last_after: float) -> None:
        """Give each proof, then the result."""
        for proof in proofs:
            _write("proof", **asdict(proof))
        _write("result", ok=all(one.holds for one in proofs), milliseconds=_ms(last_after))


class PersonNarrator:
    """Lines for a person; in colours on a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._is_narrow = self._console.is_terminal and self._console.width < WIDE_COLUMNS_MIN
        self._name_width = ISIN_WIDTH if self._is_narrow else NAME_WIDTH
        self._names: Mapping[str, str] = {}
        self._whole = ""
        self._statuses: dict[str, str] = {}
        self._transits: list[float] = []

    def begin(self) -> None:
        """The heading."""
        self._print("[bold]Orderlane[/]: one portfolio order, from 202 Accepted to its last webhook\n")
        self._print("starting PostgreSQL, the service and a webhook receiver …")

    def running(self, service_url: str, receiver_url: str, took: float) -> None:
        """Where the processes are."""
        self._print(f"  service   {service_url}{self._aside('(API, lane worker, simulated venue, webhook sender)')}")
        self._print(f"  receiver  {receiver_url}{self._aside('(verifies every signature)')}")
        self._print(f"  up in {took:.1f} s\n")

    def prepared(self, prepared: Prepared) -> None:
        """The account and its allocation."""
        self._names = prepared.names
        self._print(f"an account with {prepared.deposit:,} {prepared.currency} follows this allocation:")
        for isin, weight in prepared.weights.items():
            self._print(f"  {plain(multiply(weight, _PERCENT)):>9}%  {isin}  {prepared.names[isin]}")
        self._print()

    def accepted(self, accepted: PortfolioOrder, took: float) -> None:
        """The answer to the POST."""
        self._print(
            f"[bold]POST /portfolios/orders[/]  {accepted.type} {accepted.cash_amount:,} {accepted.currency}"
            f"  →  [bold]202 Accepted[/] in {took * 1000:.1f} ms\n  portfolio_order_id {accepted.id}\n"
        )
        instrument = f"{'instrument':<{self._name_width}}"
        whole = "orders" if self._is_narrow else "the whole"
        heading = f"{'since POST':>12}  {'#':>2}  {'event':<26}  {instrument}  {'amount':>10}  {whole}"
        self._print(Text(heading, style="bold"))

    def arrived(self, arrival: Arrival) -> None:
        """One line for an event."""
        event, body = arrival.event, arrival.event.object
        self._transits.append(arrival.since_transition)
        if event.type.startswith("ORDER."):
            self._statuses[body["id"]] = body["status"]
            isin = body["instrument_id"]
            instrument = isin if self._is_narrow else self._names.get(isin, isin)
        else:
            self._whole, instrument = body["status"], ""
            self._statuses |= {one["id"]: one["status"] for one in body["orders"]}
        line = Text(f"{arrival.since_post * 1000:>9.1f} ms  {event.sequence or '':>2}  ")
        line.append(f"{event.type:<26}", style=STATUS_STYLES.get(body["status"], ""))
        line.append(f"  {self._shortened(instrument):<{self._name_width}}  {Decimal(body['cash_amount']):>10,}  ")
        self._print(line.append_text(self._state()))

    def _print(self, what: str | Text = "") -> None:
        """Print; a narrow terminal breaks lines between words, whatever reads otherwise gets them whole."""
        self._console.print(what, soft_wrap=not self._is_narrow)

    def _aside(self, text: str) -> str:
        return "" if self._is_narrow else f"   {text}"

    def _shortened(self, name: str) -> str:
        return name if len(name) <= self._name_width else name[: self._name_width - 1] + "…"

    def _state(self) -> Text:
        """The state of the whole, and a sign for each individual order."""
        whole = "" if self._is_narrow else f"{self._whole:<10} "
        state = Text(whole, style=STATUS_STYLES.get(self._whole, ""))
        for status in self._statuses.values():
            state.append(STATUS_SIGNS.get(status, "?"), style=STATUS_STYLES.get(status, ""))
        return state

    def proven(self, proofs: Sequence[Proof], last_after: float) -> None:
        """The proofs, and the verdict."""
        self._print()
        for proof in proofs:
            line = Text("  proven  " if proof.holds else "  FAILED  ", style="green" if proof.holds else "bold red")
            gap = "\n          " if self._is_narrow else " " * max(40 - len(proof.claim), 0)
            self._print(line.append(f"{proof.claim}{gap}", style="").append(proof.figures, style="dim"))
        self._print(
            f"\n[bold]{last_after * 1000:,.0f} ms[/] from POST to the last webhook, most of it the simulated market's;"
            f" from a transition to its webhook {median(self._transits) * 1000:.0f} ms (median),"
            f" {max(self._transits) * 1000:.0f} ms (most)"
        )
        failed = sum(not one.holds for one in proofs)
        verdict = f"[bold red]{failed} proofs failed[/]" if failed else "[bold green]every proof holds[/]"
        self._print(verdict)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _write(step: str, **facts: object) -> None:
    line = msgspec.to_builtins({"step": step, **facts}, builtin_types=(datetime,))
    sys.stdout.write(json.dumps(line, default=write_time, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()
