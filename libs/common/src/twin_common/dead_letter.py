"""Where a message goes that no retry can make good: its raw bytes, and why."""

from dataclasses import dataclass
from importlib.metadata import version

from twin_common.clock import utc_now
from twin_common.errors import PoisonMessage
from twin_common.events import Headers, Message
from twin_common.topics import dead_letter_topic

_PREFIX = "dlq_"


@dataclass(frozen=True)
class SourceRecord:
    """A consumed Kafka record, as much of it as a redrive needs."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True)
class DeadLetter:
    """A record of a dead-letter topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def place(self) -> str:
        """What a person calls it: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def redrives(self) -> str | None:
        """The place of the letter that this record says was sent again; None for a letter."""
        return reasons(self.headers).get("redriven")

    def redriven(self) -> Message:
        """The record as its first reader got it; only the count of attempts goes along.

        Raises:
            PoisonMessage: it does not say where it came from.
        """
        facts = reasons(self.headers)
        if "original_topic" not in facts:
            raise PoisonMessage("no_dead_letter", f"{self.place} does not say which topic it came from")
        headers = [(name, value) for name, value in self.headers if not name.startswith(_PREFIX)]
        headers.append((_PREFIX + "attempt", facts.get("attempt", "1").encode()))
        return Message(facts["original_topic"], self.key or b"", self.value, headers)

    def mark(self) -> Message:
        """The record that follows a letter in its own topic once it was sent again.

        So the topic itself remembers, for as long as it has the letter, on any bus.
        """
        headers = [(_PREFIX + "redriven", self.place.encode())]
        headers.append((_PREFIX + "redriven_at", utc_now().isoformat().encode()))
        return Message(self.topic, self.key or b"", None, headers)


def dead_letter(record: SourceRecord, error: PoisonMessage, service: str) -> Message:
    """The dead letter of `record`: key, value and headers unchanged, the reason in `dlq_*` headers.

    A record that was sent again and fails once more counts one attempt more.
    """
    earlier = reasons(record.headers).get("attempt", "0")
    attempt = int(earlier) + 1 if earlier.isdigit() else 1
    facts = {
        "original_topic": record.topic,
        "original_partition": str(record.partition),
        "original_offset": str(record.offset),
        "error_type": type(error).__name__,
        "error_reason": error.reason,
        "error_detail": str(error)[:2000],
        "attempt": str(attempt),
        "failed_at": utc_now().isoformat(),
        "service": service,
        "service_version": version(f"twin-{service}"),
    }
    headers = [(name, value) for name, value in record.headers if not name.startswith(_PREFIX)]
    headers += [(_PREFIX + name, value.encode(errors="replace")) for name, value in facts.items()]
    topic = dead_letter_topic(record.topic, service).name
    return Message(topic, record.key or b"", record.value, headers)


def reasons(headers: Headers) -> dict[str, str]:
    """What a dead letter says of itself, without the prefix."""
    return {
        name.removeprefix(_PREFIX): value.decode(errors="replace")
        for name, value in headers
        if name.startswith(_PREFIX)
    }
