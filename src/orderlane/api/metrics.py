"""Metrics for Prometheus: those of the requests and the process, and at each scrape those of the database."""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from orderlane.ports.errors import StoreUnavailable
from orderlane.ports.figures import Figures

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """The registry, and the gauges that are set at each scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._statements = self._gauge("sql_statements_total", "SQL statements sent by the API of this process.")
        self._up = self._gauge("database_up", "1 when the database answers.")
        self._waiting = self._gauge("inbox_messages", "Messages to lanes that are not applied yet.")
        self._message_age = self._gauge(
            "oldest_inbox_message_age_seconds", "Age of the oldest message that is not applied yet, or 0."
        )
        self._quarantined = self._gauge("quarantine_messages", "Messages that could not be applied.")
        self._unowned = self._gauge("lanes_without_worker", "Lanes that no worker owns.")
        self._age = self._gauge(
            "oldest_undelivered_event_age_seconds", "Age of the oldest event that a subscription has not got, or 0."
        )

    async def scrape(self, figures: Figures, business_now: datetime) -> bytes:
        """The text of all metrics. Without a database those of the backlog keep their last values."""
        self._statements.set(figures.statement_count)
        try:
            backlog = await figures.backlog()
        except StoreUnavailable:
            self._up.set(0)
            return generate_latest(self.registry)
        self._up.set(1)
        self._waiting.set(backlog.waiting_messages)
        self._message_age.set(backlog.oldest_message_age_seconds)
        self._quarantined.set(backlog.quarantined_messages)
        self._unowned.set(backlog.lanes_without_worker)
        oldest = backlog.oldest_undelivered_event_at
        self._age.set(0 if oldest is None else max(0.0, (business_now - oldest).total_seconds()))
        return generate_latest(self.registry)

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(f"orderlane_{name}", documentation, registry=self.registry)
