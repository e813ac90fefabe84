"""What every operation is served with."""

from msgspec import Struct

from orderlane.api.auth.gate import Gate
from orderlane.api.metrics import Metrics
from orderlane.api.options import ApiOptions
from orderlane.api.pages.reference import Pages
from orderlane.api.request_log import RequestLog
from orderlane.api.slices import Slices
from orderlane.api.turns import Turns
from orderlane.api.writes import Writes
from orderlane.ports.services import ApiServices


class Serving(Struct, frozen=True, kw_only=True):
    """The ports, the operator's choices, the gate, what is told and what bounds requests, and the documentation."""

    services: ApiServices
    options: ApiOptions
    gate: Gate
    metrics: Metrics
    log: RequestLog
    pages: Pages
    writes: Writes
    slices: Slices
    list_turns: Turns
