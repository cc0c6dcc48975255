"""What shall go wrong, and when: frozen data that a seed determines, so that a failure can be replayed."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What can be done to a process, to a hop of the network, or to a machine."""

    KILL = "kill"
    """kill -9; the supervisor starts it again."""
    RESTART = "restart"
    """SIGTERM; the supervisor starts it again."""
    OUTAGE = "outage"
    """kill -9, and it stays away for a while."""
    FREEZE = "freeze"
    """SIGSTOP, and SIGCONT after a while."""
    CUT = "cut"
    """Every connection of a hop is reset, and for a while no new one is accepted."""
    RESET = "reset"
    """Every connection of a hop is reset, five times over a while."""
    HALF_OPEN = "half-open"
    """Every connection of a hop goes dead without a word; new ones work."""
    STALL = "stall"
    """Nothing moves on a hop for a while."""
    DELAY = "delay"
    """Each piece on a hop comes 50 ms late for a while."""
    THROTTLE = "throttle"
    """A hop carries 100 KB/s for a while."""
    SLOW_DISK = "slow-disk"
    """Every flush of a server to its disk takes 100 ms longer for a while."""
    FULL_DISK = "full-disk"
    """A server's disk has no room for a while."""
    CLOCK = "clock"
    """The services' wall clock jumps an hour ahead or back for a while."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    kind: FaultKind
    target: str
    """The process, or the server at the far end of the hop."""
    after_writes: int
    """It begins when the history has made so many writes."""
    seconds: float
    """How long it lasts, where its kind lasts."""


@dataclass(frozen=True)
class Scenario:
    """A row of the table: which faults are drawn from, how many, and how long they last."""

    row: int
    """Of the scorecard."""
    name: str
    kinds: tuple[FaultKind, ...]
    targets: tuple[str, ...]
    faults: int = 5
    """In one try."""
    seconds: tuple[float, float] = (1.0, 4.0)
    """The shortest and the longest."""
    writes: int = 150
    """In one try."""
    pause_seconds: float = 0.02
    """Between two writes."""
    overlapping: bool = False
    """Whether all faults of a try may begin before the first is over."""
    tries: int = 3
    """In the long run."""
    from_back_fill: bool = False
    """Whether the relay begins with a back-fill, under the faults."""


@dataclass(frozen=True)
class Plan:
    """One try of a scenario."""

    scenario: str
    seed: int
    writes: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def make_plan(scenario: Scenario, seed: int) -> Plan:
    """The plan that the seed determines; every target gets its turn before one gets a second."""
    choice = random.Random(f"{scenario.name}:{seed}")
    pairs = [(kind, target) for target in scenario.targets for kind in scenario.kinds]
    drawn: list[tuple[FaultKind, str]] = []
    while len(drawn) < scenario.faults:
        choice.shuffle(pairs)
        drawn += pairs
    times = _times(choice, scenario)
    faults = tuple(
        Fault(kind, target, after, round(choice.uniform(*scenario.seconds), 2))
        for (kind, target), after in zip(drawn, times, strict=False)
    )
    return Plan(scenario.name, seed, scenario.writes, faults)


def _times(choice: random.Random, scenario: Scenario) -> Sequence[int]:
    """When each fault begins, in writes; overlapping ones begin together."""
    if scenario.overlapping:
        return [scenario.writes // 3] * scenario.faults
    return sorted(choice.randrange(scenario.writes) for _ in range(scenario.faults))
