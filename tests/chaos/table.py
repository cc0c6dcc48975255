"""What the long run tells: a row a scenario."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Row:
    """The tries of a scenario so far."""

    number: int
    """Of the scorecard."""
    name: str
    tries: int = 0
    faults: int = 0
    """In all tries together."""
    equal: int = 0
    """Tries after which index and warehouse were equal to the last byte."""
    worst_recovery_seconds: float = 0.0

    def begun(self, faults: int) -> "Row":
        """One more try, with so many faults."""
        return replace(self, tries=self.tries + 1, faults=self.faults + faults)

    def ended(self, differences: int, recovery_seconds: float) -> "Row":
        """The try that was begun last is over."""
        return replace(
            self,
            equal=self.equal + (not differences),
            worst_recovery_seconds=max(self.worst_recovery_seconds, recovery_seconds),
        )


def table(rows: Sequence[Row]) -> str:
    """For a person."""
    lines = [f"{'row':>3}  {'fault':<16} {'tries':>5} {'faults':>6} {'0-diff':>6} {'worst recovery':>14}"]
    lines += [
        f"{row.number:>3}  {row.name:<16} {row.tries:>5} {row.faults:>6} {row.equal:>6} "
        f"{row.worst_recovery_seconds:>12.1f} s"
        for row in rows
    ]
    return "\n".join(lines)


def figures(rows: Sequence[Row]) -> dict[str, float]:
    """For a result file."""
    found: dict[str, float] = {}
    for row in rows:
        name = row.name.replace("-", "_")
        found |= {
            f"{name}_tries": row.tries,
            f"{name}_faults": row.faults,
            f"{name}_equal": row.equal,
            f"{name}_worst_recovery_seconds": row.worst_recovery_seconds,
        }
    return found
