"""Dead letters on the local bus: listed, shown, sent again, and counted when they come back."""

from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import Producer

from twin_common.dead_letter import DeadLetter, SourceRecord, dead_letter, reasons
from twin_common.errors import PoisonMessage
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import ALL_TOPICS, DOCUMENT_CHANGES, DOCUMENT_CHANGES_DEAD
from twin_local.dead_letters import DeadLetterTopics, LetterFacts, show_value
from twin_local.errors import PlatformError
from twin_local.servers.kafka import MockCluster

HEADERS = [("ce_type", b"x"), ("odd", b"\xff\x00")]


class Bus:
    """A Kafka, with what was published to it from here."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.topics = DeadLetterTopics(settings)
        self.sent: list[Message] = []
        self._producer = Producer(settings.librdkafka_producer())

    def publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.sent.append(message)
            self._producer.produce(
                message.topic, key=message.key, value=message.value, headers=list(message.headers)
            )
        assert self._producer.flush(30) == 0

    def fail(
        self, number: int, reason: str = "malformed_event", headers: list[tuple[str, bytes]] = HEADERS
    ) -> None:
        """What a consumer does with a record that it cannot use."""
        record = SourceRecord(DOCUMENT_CHANGES.name, 1, number, f"key {number}".encode(), b"\x00{", headers)
        self.publish([dead_letter(record, PoisonMessage(reason, "why"), "feature-stream")])

    def redrive(self, wanted: Callable[[LetterFacts], bool] = lambda _: True) -> list[Message]:
        """Those that came to the original topic."""
        self.sent.clear()
        self.topics.redrive(wanted, self.publish)
        return [message for message in self.sent if message.topic == DOCUMENT_CHANGES.name]


@pytest.fixture
def bus() -> Bus:
    cluster = MockCluster()
    for topic in ALL_TOPICS:
        cluster.create_topic(topic.name, topic.partitions)
    bus = Bus(KafkaSettings(bootstrap_servers=cluster.bootstrap_servers))
    bus.cluster = cluster  # type: ignore[attr-defined]  # it lives as long as this
    return bus


class TestListing:
    def test_none_wait_on_an_empty_bus(self, bus: Bus) -> None:
        assert bus.topics.waiting() == []

    def test_each_with_reason_and_attempt(self, bus: Bus) -> None:
        bus.fail(1)
        bus.fail(2, "unsupported_schema")
        found = bus.topics.waiting()
        assert [(letter.reason, letter.attempt) for letter in found] == [
            ("malformed_event", 1),
            ("unsupported_schema", 1),
        ]
        assert all(letter.failed_at for letter in found)

    def test_one_is_found_by_its_place_with_its_bytes(self, bus: Bus) -> None:
        bus.fail(1)
        letter = bus.topics.find(f"{DOCUMENT_CHANGES_DEAD.name}/0/0")
        assert (letter.key, letter.value) == (b"key 1", b"\x00{")
        with pytest.raises(PlatformError, match="no dead letter"):
            bus.topics.find(f"{DOCUMENT_CHANGES_DEAD.name}/0/1")


class TestRedriving:
    def test_key_bytes_and_headers_are_those_of_the_original(self, bus: Bus) -> None:
        bus.fail(1)
        [message] = bus.redrive()
        assert (message.key, message.value) == (b"key 1", b"\x00{")
        assert [*HEADERS, ("dlq_attempt", b"1")] == message.headers

    def test_what_was_sent_again_is_not_listed_again(self, bus: Bus) -> None:
        for number in range(3):
            bus.fail(number)
        middle = f"{DOCUMENT_CHANGES_DEAD.name}/0/1"
        assert len(bus.redrive(lambda letter: letter.place == middle)) == 1
        assert [letter.place[-1] for letter in bus.topics.waiting()] == ["0", "2"]
        assert len(bus.redrive()) == 2
        assert bus.topics.waiting() == []
        assert bus.redrive() == []

    def test_by_reason(self, bus: Bus) -> None:
        bus.fail(1)
        bus.fail(2, "unsupported_schema")
        assert len(bus.redrive(lambda letter: letter.reason == "unsupported_schema")) == 1
        assert [letter.reason for letter in bus.topics.waiting()] == ["malformed_event"]

    def test_one_that_fails_again_counts_one_attempt_more(self, bus: Bus) -> None:
        bus.fail(1)
        for attempt in (2, 3):
            [message] = bus.redrive()
            bus.fail(1, headers=list(message.headers))
            [letter] = bus.topics.waiting()
            assert letter.attempt == attempt

    def test_more_than_a_batch(self, bus: Bus) -> None:
        for number in range(450):
            bus.fail(number)
        assert {message.key for message in bus.redrive()} == {
            f"key {number}".encode() for number in range(450)
        }
        assert bus.topics.waiting() == []

    def test_a_record_that_came_from_nowhere_is_named(self) -> None:
        letter = DeadLetter("some.dlq", 0, 7, None, b"x", [])
        with pytest.raises(PoisonMessage, match=r"some\.dlq/0/7"):
            letter.redriven()
        assert reasons(letter.mark().headers)["redriven"] == "some.dlq/0/7"


class TestShowing:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (None, "(none)"),
            (b"plain\nlines", "plain\nlines"),
            (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("åäö".encode(), "åäö"),
            ("\u202e".encode(), "\\u202e"),
        ],
    )
    def test_nothing_reaches_the_terminal_but_text(self, value: bytes | None, shown: str) -> None:
        assert show_value(value) == shown

    def test_a_long_one_is_cut(self) -> None:
        assert show_value(b"x" * 5000).endswith("… and 1,000 bytes more")
