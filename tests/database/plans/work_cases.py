"""The queries of workers, gateways, senders, timers, metrics and the operator that read large tables."""

from datetime import date, timedelta

from tests.database.plans.cases import DAY, LANES, MONTH, case
from tests.database.plans.explaining import Expression

CLASS = 4711
BACKEND = Expression("pg_backend_pid()")
BATCH = 1_000
BEGINNING = (date.min, 0, "00000000-0000-0000-0000-000000000000")
WAITING = "All that waits is counted."
BATCHED = "A batch of rows is looked up, each by its key."
EVERY_LANE = "Each subscription looks for its next event in each lane."

LANE_WORKER = (
    case("lanes.take_messages", LANES, BATCH, rows_max=2 * BATCH, page_max=2 * BATCH, reason=BATCHED),
    case("lanes.take_message", "lane", "message_id"),
    case("lanes.set_aside", ["lane"], ["message_id"]),
    case("lanes.quarantine_message", "lane", "message_id", "ValueError"),
    case("lanes.accounts", ["lane"], ["account_id"]),
    case("lanes.holdings", ["lane"], ["account_id"]),
    case("lanes.user_statuses", ["user_id"]),
    case("lanes.parent_orders", ["lane"], ["parent_id"]),
    case("lanes.delete_messages", ["lane"], ["message_id"]),
    case(
        "lanes.change_parent_orders",
        ["lane"],
        ["parent_id"],
        ["FILLED"],
        [None],
        [""],
        [1],
        [True],
        [6],
        [0],
        [0],
        [10],
        [0],
        [DAY[0].date()],
        [b"[]"],
        [DAY[0]],
    ),
)

GATEWAY = (
    case("gateway_session.waiting", BACKEND, 1, LANES, [], 500, rows_max=2_000, page_max=2_000, reason=BATCHED),
    case(
        "gateway_session.ends_on_the_way",
        LANES,
        "RECEIVE_VENUE_REPORTS",
        b"OrderEnded",
        rows_max=None,
        reason="A gateway that begins looks once through all that waits for its lanes.",
    ),
    case("gateway_session.open_parents", LANES, 1, None, 500, rows_max=2_000, page_max=2_000, reason=BATCHED),
    case(
        "gateway_session.open_parents",
        LANES,
        1,
        "parent_id",
        500,
        what="from an id on",
        rows_max=2_000,
        page_max=2_000,
        reason=BATCHED,
    ),
    case("gateway_session.answer", 1, ["lane", "lane"], ["parent_id", "parent_id"], ["SEND", "SEND"], [1, 2]),
    case("gateway_session.put_reports", "venue:SIMULATED", ["lane"], ["parent_id"], ["RECEIVE_VENUE_REPORTS"], [b"{}"]),
)

FEED = (
    case("feed.next_segments", "places", "event_times", 256, ["client_id"], ["ALL"], []),
    case("feed.next_segments", [0] * 64, [MONTH[0]] * 64, 256, ["client_id"], ["ALL"], [], what="far behind"),
    case("feed.next_segments", "places", "event_times", 256, ["client_id"], ["USER"], [], what="of a rare topic"),
    case("feed.segments_between", "places", "event_times", "head_places", "client_id", ["ALL"], []),
)

TIMERS = (
    case(
        "timers.due_parent_orders",
        date(2026, 6, 30),
        BATCH,
        *BEGINNING,
        rows_max=5 * BATCH,
        page_max=5 * BATCH,
        reason=BATCHED,
    ),
    case(
        "timers.due_parent_orders",
        date(2026, 7, 31),
        BATCH,
        *BEGINNING,
        what="with a whole savings-plan day due",
        rows_max=5 * BATCH,
        page_max=5 * BATCH,
        reason=BATCHED,
    ),
    case("timers.due_parent_orders", date(2026, 6, 1), BATCH, *BEGINNING, what="with nothing due"),
    case(
        "timers.forget_idempotency_records",
        timedelta(days=1),
        BATCH,
        rows_max=2 * BATCH,
        page_max=2 * BATCH,
        reason=BATCHED,
    ),
    case("timers.forget_nonces", timedelta(days=1), BATCH, rows_max=2 * BATCH, page_max=2 * BATCH, reason=BATCHED),
    case("timers.forget_attempts", timedelta(days=1), BATCH, rows_max=2 * BATCH, page_max=2 * BATCH, reason=BATCHED),
)

OPERATOR = (
    case("figures.backlog", CLASS, rows_max=None, page_max=10_000, reason=WAITING),
    case("operator.waiting", rows_max=None, reason=WAITING),
    case("operator.deliveries", None, rows_max=10_000, page_max=10_000, reason=EVERY_LANE),
    case(
        "operator.delete_webhook",
        "subscription_id",
        rows_max=None,
        reason="The attempts of the subscription are deleted with it.",
    ),
    case("operator.parent_order", "lane", "parent_id"),
    case("operator.segments", "lane", "parent_id", "parent_created_at"),
)

WORK_CASES = (*LANE_WORKER, *GATEWAY, *FEED, *TIMERS, *OPERATOR)
