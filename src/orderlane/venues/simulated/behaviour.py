"""How the simulated market behaves."""

from dataclasses import dataclass

PERCENT_MAX = 100


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What may be chosen about the market.

    A fill's latency counts from the acknowledgement. `split_percent` of the orders trade in two to four executions,
    `refuse_percent` are refused. A quote is the reference price, off by at most `deviation_bp_max` basis points, with
    `spread_bp` between bid and ask. All latencies zero: as fast as the machine can.

    Executions are told apart by their ids, which don't depend on the behaviour: change it only while no order is open.
    """

    seed: int = 1
    ack_ms_min: int = 1
    ack_ms_max: int = 5
    fill_ms_min: int = 5
    fill_ms_max: int = 60
    split_percent: int = 30
    refuse_percent: int = 0
    deviation_bp_max: int = 5
    spread_bp: int = 4

    def __post_init__(self) -> None:
        """Raises ValueError when a range is upside down or out of bounds."""
        if not 0 <= self.ack_ms_min <= self.ack_ms_max or not 0 <= self.fill_ms_min <= self.fill_ms_max:
            raise ValueError("latencies must not be negative, nor a least latency above the greatest")
        if not 0 <= self.split_percent <= PERCENT_MAX or not 0 <= self.refuse_percent <= PERCENT_MAX:
            raise ValueError(f"percentages must be from 0 to {PERCENT_MAX}")
        if not 0 <= self.deviation_bp_max + self.spread_bp < 10_000 or min(self.deviation_bp_max, self.spread_bp) < 0:
            raise ValueError("deviation and spread must not be negative, and together below 10000 basis points")

    @classmethod
    def instant(cls, seed: int = 1, split_percent: int = 30) -> "Behaviour":
        """A market without any latency."""
        return cls(seed, 0, 0, 0, 0, split_percent)
