"""How the simulated market behaves: the settings of a simulated venue."""

from dataclasses import dataclass, field

from orderlane.ports.settings import MILLISECONDS, declared, whole_number

PERCENT_MAX = 100
DEVIATION_BP_MAX = 5_000
SPREAD_BP_MAX = 4_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What may be chosen about the market.

    A fill's latency counts from the acknowledgement. Both latencies zero: as fast as the machine can. Executions are
    told apart by their ids, which do not depend on the behaviour: change it only while no order is open.
    """

    seed: int = field(
        default=1,
        metadata=declared(whole_number(0, 2**31), "What the venue draws from. Change it only while no order is open."),
    )
    ack_ms: tuple[int, int] = field(
        default=(1, 5),
        metadata=declared(MILLISECONDS, "How long the venue takes to acknowledge an order, in milliseconds."),
    )
    fill_ms: tuple[int, int] = field(
        default=(5, 60),
        metadata=declared(MILLISECONDS, "How long it takes from there to each execution, in milliseconds."),
    )
    split_percent: int = field(
        default=30,
        metadata=declared(
            whole_number(0, PERCENT_MAX), "How many of 100 orders the venue executes in several parts, two to four."
        ),
    )
    refuse_percent: int = field(
        default=0, metadata=declared(whole_number(0, PERCENT_MAX), "How many of 100 orders the venue refuses.")
    )
    deviation_bp_max: int = field(
        default=5,
        metadata=declared(
            whole_number(0, DEVIATION_BP_MAX),
            "By how many basis points a quote is off the reference price, at most.",
        ),
    )
    spread_bp: int = field(
        default=4,
        metadata=declared(whole_number(0, SPREAD_BP_MAX), "How many basis points lie between bid and ask."),
    )

    def __post_init__(self) -> None:
        """Refuse what is out of bounds.

        Raises:
            ValueError: says what is wrong.
        """
        for least, greatest in (self.ack_ms, self.fill_ms):
            if not 0 <= least <= greatest:
                raise ValueError("latencies must not be negative, nor a least latency above the greatest")
        for percent in (self.split_percent, self.refuse_percent):
            if not 0 <= percent <= PERCENT_MAX:
                raise ValueError(f"percentages must be from 0 to {PERCENT_MAX}")
        if not (0 <= self.deviation_bp_max <= DEVIATION_BP_MAX and 0 <= self.spread_bp <= SPREAD_BP_MAX):
            raise ValueError(f"deviation must be from 0 to {DEVIATION_BP_MAX}, spread from 0 to {SPREAD_BP_MAX}")

    @classmethod
    def instant(cls, seed: int = 1, split_percent: int = 30) -> "Behaviour":
        """A market without any latency."""
        return cls(seed=seed, ack_ms=(0, 0), fill_ms=(0, 0), split_percent=split_percent)
