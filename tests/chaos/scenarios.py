"""The rows of the table; how large the long ones are stands in the environment."""

import os
from dataclasses import dataclass, replace

from tests.chaos.plan import FaultKind, Scenario

SERVICES = ("crawler", "cdc", "feature-stream", "rag-api")
SERVERS = ("mongodb", "kafka", "vector")


@dataclass(frozen=True)
class Sizes:
    """Of the long run."""

    documents: int
    """How many documents change in row 1."""
    kafka_outage_seconds: float
    vector_outage_seconds: float
    tries: int
    """Of every other scenario."""

    @classmethod
    def from_environment(cls) -> "Sizes":
        """CHAOS_DOCUMENTS, CHAOS_KAFKA_OUTAGE_SECONDS, CHAOS_VECTOR_OUTAGE_SECONDS and CHAOS_TRIES."""
        return cls(
            int(os.environ.get("CHAOS_DOCUMENTS", "20000")),
            float(os.environ.get("CHAOS_KAFKA_OUTAGE_SECONDS", "600")),
            float(os.environ.get("CHAOS_VECTOR_OUTAGE_SECONDS", "300")),
            int(os.environ.get("CHAOS_TRIES", "3")),
        )


KILLS = Scenario(1, "kills", (FaultKind.KILL,), SERVICES + SERVERS, faults=21, writes=400)
STOPS = Scenario(1, "stops", (FaultKind.RESTART,), SERVICES + SERVERS, faults=7)
FREEZES = Scenario(1, "freezes", (FaultKind.FREEZE,), SERVICES + SERVERS, faults=7, seconds=(2, 8))
KAFKA_IN_FLIGHT = Scenario(6, "kafka-in-flight", (FaultKind.KILL,), ("kafka",), faults=5, pause_seconds=0.0)
BACK_FILL = Scenario(
    14, "back-fill", (FaultKind.KILL,), ("cdc", "mongodb", "kafka"), faults=6, writes=300, from_back_fill=True
)
VECTOR_AWAY = Scenario(23, "vector-away", (FaultKind.OUTAGE,), ("vector",), faults=1, seconds=(10, 20))
KAFKA_AWAY = Scenario(24, "kafka-away", (FaultKind.OUTAGE,), ("kafka",), faults=1, seconds=(10, 20))
WAREHOUSE_AWAY = Scenario(25, "warehouse-away", (FaultKind.OUTAGE,), ("mongodb",), faults=3, seconds=(2, 15))
NETWORK = Scenario(
    35,
    "network",
    (
        FaultKind.CUT,
        FaultKind.RESET,
        FaultKind.HALF_OPEN,
        FaultKind.STALL,
        FaultKind.DELAY,
        FaultKind.THROTTLE,
    ),
    SERVERS,
    faults=18,
    writes=400,
)
STORM = Scenario(
    35,
    "storm",
    (FaultKind.KILL, FaultKind.CUT, FaultKind.FREEZE, FaultKind.HALF_OPEN),
    SERVERS,
    faults=6,
    seconds=(2, 8),
    overlapping=True,
)
SLOW_DISK = Scenario(35, "slow-disk", (FaultKind.SLOW_DISK,), SERVERS, faults=3, seconds=(4, 8))
FULL_DISK = Scenario(
    37, "full-disk", (FaultKind.FULL_DISK,), (*SERVERS, "feature-stream"), faults=4, seconds=(4, 8)
)
CLOCK = Scenario(38, "clock", (FaultKind.CLOCK,), ("ahead", "behind"), faults=4, seconds=(3, 6))

SHORT_ENOUGH = (
    KILLS,
    STOPS,
    FREEZES,
    KAFKA_IN_FLIGHT,
    BACK_FILL,
    VECTOR_AWAY,
    KAFKA_AWAY,
    WAREHOUSE_AWAY,
    NETWORK,
    STORM,
    SLOW_DISK,
    FULL_DISK,
    CLOCK,
)


def long_run(sizes: Sizes) -> list[Scenario]:
    """Every scenario in the size of the long run."""
    kills = replace(
        KILLS,
        name="kills-many",
        faults=10 * len(KILLS.targets),
        writes=sizes.documents,
        pause_seconds=0.0,
        tries=1,
    )
    kafka = _long_outage(KAFKA_AWAY, sizes.kafka_outage_seconds)
    vector = _long_outage(VECTOR_AWAY, sizes.vector_outage_seconds)
    return [kills, kafka, vector, *(replace(scenario, tries=sizes.tries) for scenario in SHORT_ENOUGH)]


def _long_outage(scenario: Scenario, seconds: float) -> Scenario:
    """Two writes a second go on meanwhile, and for a while after."""
    return replace(
        scenario,
        name=f"{scenario.name}-long",
        seconds=(seconds, seconds),
        writes=int(2.5 * seconds),
        pause_seconds=0.5,
        tries=1,
    )
