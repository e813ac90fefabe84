"""How the service is: for whoever starts, watches and scrapes it. Open to anybody, so keep it from the public."""

from typing import Literal

from msgspec import Struct

from orderlane.api import problem_types
from orderlane.api.answers import Answer
from orderlane.api.errors import NotReady
from orderlane.api.metrics import MEDIA_TYPE
from orderlane.api.operations import Call, Unit, operation


class HealthResource(Struct, frozen=True):
    """The service is well."""

    status: Literal["ok"] = "ok"


@operation("GET", "/health/live", tag="Service", unit=Unit.NONE, summary="Is the process alive?")
async def get_liveness(call: Call) -> HealthResource:
    """Answers as long as the process serves requests, whatever the database does."""
    return HealthResource()


@operation(
    "GET",
    "/health/ready",
    tag="Service",
    unit=Unit.NONE,
    problems=(problem_types.UNAVAILABLE,),
    summary="Can the service do its work?",
)
async def get_readiness(call: Call) -> HealthResource:
    """The database answers, has every migration of this version, and takes writes."""
    figures = call.services.figures
    missing = await figures.missing_migrations()
    if missing:
        raise NotReady(f"the database lacks the migrations {', '.join(missing)}: run `orderlane migrate`")
    refusal = await figures.write_refusal()
    if refusal is not None:
        raise NotReady(f"the database takes no writes: {refusal}")
    return HealthResource()


@operation("GET", "/metrics", tag="Service", unit=Unit.NONE, media_type=MEDIA_TYPE, summary="Metrics for Prometheus")
async def get_metrics(call: Call) -> Answer:
    """Requests and their times by route and status, SQL statements, and what waits in the database."""
    text = await call.serving.metrics.scrape(call.services.figures, call.business_now)
    return Answer(200, text, MEDIA_TYPE)


OPERATIONS = (get_liveness, get_readiness, get_metrics)
