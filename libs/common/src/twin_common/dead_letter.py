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


def dead_letter(record: SourceRecord, error: PoisonMessage, service: str, attempt: int = 1) -> Message:
    """The dead letter of `record`: key, value and headers unchanged, the reason in `dlq_*` headers."""
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
