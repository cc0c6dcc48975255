"""What no retry could make good: reading the dead-letter topics, and sending letters again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from twin_common.dead_letter import DeadLetter, reasons
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_local.errors import PlatformError

Publish = Callable[[Sequence[Message]], None]
"""Returns once Kafka has confirmed all of them."""

_SUFFIX = ".dlq"
_TIMEOUT_SECONDS = 15.0
_LETTERS_A_BATCH = 200
_SHOWN_BYTES = 4000


@dataclass(frozen=True)
class LetterFacts:
    """What is known of a letter without its value."""

    place: str
    topic: str
    reason: str
    detail: str
    attempt: int
    failed_at: datetime | None


class DeadLetterTopics:
    """Every dead-letter topic of a Kafka; a letter that was sent again is not among them any more."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    def waiting(self) -> list[LetterFacts]:
        """The letters that were not sent again, oldest first in each topic.

        Raises:
            PlatformError: Kafka does not answer.
        """
        letters: dict[str, LetterFacts] = {}
        sent_again: set[str] = set()
        for letter in self._read():
            if letter.redrives is not None:
                sent_again.add(letter.redrives)
            else:
                letters[letter.place] = _facts(letter)
        return [facts for place, facts in letters.items() if place not in sent_again]

    def find(self, place: str) -> DeadLetter:
        """One letter, whether or not it was sent again.

        Raises:
            PlatformError: there is none at this place, or Kafka does not answer.
        """
        for letter in self._read():
            if letter.place == place and letter.redrives is None:
                return letter
        raise PlatformError(f"there is no dead letter {place}: 'twin dlq list' shows those that wait")

    def redrive(self, wanted: Callable[[LetterFacts], bool], publish: Publish) -> int:
        """Send the waiting letters that are wanted to where they came from, as they were; how many.

        A letter is marked after Kafka has it again: a crash in between sends it twice, which the readers of
        these topics bear.
        """
        waiting = {facts.place for facts in self.waiting() if wanted(facts)}
        batch: list[DeadLetter] = []
        for letter in self._read():
            if letter.place in waiting and letter.redrives is None:
                batch.append(letter)
                if len(batch) == _LETTERS_A_BATCH:
                    _send(batch, publish)
                    batch = []
        _send(batch, publish)
        return len(waiting)

    def _read(self) -> Iterator[DeadLetter]:
        """Every record of every topic, up to what was there when the reading began."""
        consumer = Consumer(
            self._kafka.librdkafka()
            | {
                "group.id": "twin-dlq",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            for name, topic in sorted(consumer.list_topics(timeout=_TIMEOUT_SECONDS).topics.items()):
                if name.endswith(_SUFFIX):
                    for partition in sorted(topic.partitions):
                        yield from _read_partition(consumer, TopicPartition(name, partition))
        except KafkaException as error:
            raise PlatformError(f"Kafka does not answer: {error.args[0].str()}") from error
        finally:
            consumer.close()


def show_value(value: bytes | None) -> str:
    """A value that a terminal may be given: control characters and what is no text are escaped."""
    if value is None:
        return "(none)"
    text = value[:_SHOWN_BYTES].decode(errors="backslashreplace")
    shown = "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )
    left = len(value) - _SHOWN_BYTES
    return shown if left <= 0 else f"{shown}… and {left:,} bytes more"


def _read_partition(consumer: Consumer, place: TopicPartition) -> Iterator[DeadLetter]:
    low, high = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_SECONDS)
    if low >= high:
        return
    consumer.assign([TopicPartition(place.topic, place.partition, OFFSET_BEGINNING)])
    while (message := consumer.poll(_TIMEOUT_SECONDS)) is not None:
        if (error := message.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                return
            raise KafkaException(error)
        offset = int(message.offset() or 0)
        if offset >= high:
            return
        headers: Any = message.headers() or []
        yield DeadLetter(
            place.topic,
            place.partition,
            offset,
            message.key(),
            message.value(),
            [(name, value or b"") for name, value in headers],
        )
    raise PlatformError(f"{place.topic} cannot be read to its end: Kafka is silent")


def _send(letters: Sequence[DeadLetter], publish: Publish) -> None:
    if letters:
        publish([letter.redriven() for letter in letters])
        publish([letter.mark() for letter in letters])


def _facts(letter: DeadLetter) -> LetterFacts:
    facts = reasons(letter.headers)
    attempt = facts.get("attempt", "1")
    return LetterFacts(
        letter.place,
        letter.topic,
        facts.get("error_reason", "unknown"),
        facts.get("error_detail", ""),
        int(attempt) if attempt.isdigit() else 1,
        _time(facts.get("failed_at", "")),
    )


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
