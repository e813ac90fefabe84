"""What every operation is served with."""

from dataclasses import dataclass

from orderlane.api.auth.gate import Gate
from orderlane.api.options import ApiOptions
from orderlane.api.request_log import RequestLog
from orderlane.ports.services import ApiServices


@dataclass(frozen=True, slots=True)
class Serving:
    """The ports, the operator's choices, the gate, and where requests are written down."""

    services: ApiServices
    options: ApiOptions
    gate: Gate
    log: RequestLog
