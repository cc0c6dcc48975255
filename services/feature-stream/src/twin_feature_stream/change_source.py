"""The changes of documents, read from Kafka; Bytewax's recovery snapshots hold the offsets."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from twin_common.clock import utc_now
from twin_common.dead_letter import SourceRecord
from twin_common.errors import ServerUnavailable
from twin_common.kafka_settings import KafkaSettings
from twin_feature_stream import metrics
from twin_feature_stream.positions import LostPosition
from twin_feature_stream.readiness import Readiness, StopSignal
from twin_feature_stream.work import Received

log = structlog.get_logger(__name__)

_METADATA_SECONDS = 5.0
_LAG_EVERY_SECONDS = 1.0
_STATISTICS_EVERY_MS = 2000
_BUFFERED_KILOBYTES = 8192


@dataclass(frozen=True)
class ReadingPolicy:
    """How the source reads."""

    batch_size: int
    """Records of one partition in one micro-batch."""
    poll_seconds: float
    """The rest after an empty poll."""
    give_up_after_seconds: float
    """How long Kafka may be away before the source raises."""


def list_partitions(settings: KafkaSettings, topic: str) -> list[int]:
    """The partitions of a topic.

    Raises:
        ServerUnavailable: Kafka does not answer, or has no such topic yet.
    """
    consumer = _consumer(settings)
    try:
        found = consumer.list_topics(topic, timeout=_METADATA_SECONDS).topics[topic]
    except KafkaException as error:
        raise ServerUnavailable(f"no metadata of the topic {topic}: {error.args[0].str()}") from error
    finally:
        consumer.close()
    if found.error is not None or not found.partitions:
        raise ServerUnavailable(f"the topic {topic} does not exist yet; create it, or start the platform")
    return sorted(found.partitions)


def cluster_id(settings: KafkaSettings) -> str:
    """The name that Kafka gave itself when it was set up.

    Raises:
        ServerUnavailable: Kafka does not answer.
    """
    consumer = _consumer(settings)
    try:
        return str(consumer.list_topics(timeout=_METADATA_SECONDS).cluster_id)
    except KafkaException as error:
        raise ServerUnavailable(f"no metadata of Kafka: {error.args[0].str()}") from error
    finally:
        consumer.close()


class ChangeSource(FixedPartitionedSource[Received, int]):
    """One Bytewax partition for each partition of the topic; its state is the offset to read next."""

    def __init__(
        self,
        settings: KafkaSettings,
        topic: str,
        policy: ReadingPolicy,
        readiness: Readiness,
        stop: StopSignal,
        *,
        shared: bool = False,
    ) -> None:
        """`shared`: other processes read some of the partitions."""
        self._settings = settings
        self._topic = topic
        self._shared = shared
        self._policy = policy
        self._readiness = readiness
        self._broker = _BrokerWatch(policy.give_up_after_seconds, readiness)
        self._stop = stop
        self._unread: dict[int, int] = {}
        self._partitions: list[int] = []
        self._open: set[int] = set()

    def unread(self) -> int | None:
        """How many events wait in Kafka, as of the last look at each partition; None before the first."""
        looks = [self._unread.get(partition) for partition in self._partitions]
        known = [look for look in looks if look is not None]
        return sum(known) if known and len(known) == len(looks) else None

    def is_open(self) -> bool:
        """Whether every position was compared with its log; before that, publishing could hide a lost one.

        Of partitions that other processes read nothing is known here: of these one's own must do.
        """
        return bool(self._open) and (self._shared or self._open.issuperset(self._partitions))

    def list_parts(self) -> list[str]:
        # Bytewax asks once all processes have found each other.
        self._readiness.found("service")
        self._partitions = list_partitions(self._settings, self._topic)
        return [str(partition) for partition in self._partitions]

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> StatefulSourcePartition[Received, int]:
        partition = _ChangePartition(
            _consumer(self._settings, self._broker),
            TopicPartition(self._topic, int(for_part)),
            resume_at=resume_state,
            policy=self._policy,
            broker=self._broker,
            unread=self._unread,
            stop=self._stop,
        )
        self._open.add(int(for_part))
        return partition


class _BrokerWatch:
    """Learns from the client's statistics whether a broker answers: a consumer alone waits for ever."""

    def __init__(self, give_up_after_seconds: float, readiness: Readiness) -> None:
        self._give_up_after = give_up_after_seconds
        self._readiness = readiness
        self._away_since: float | None = None

    def on_statistics(self, statistics: str) -> None:
        brokers = json.loads(statistics)["brokers"].values()
        if any(broker["state"] == "UP" for broker in brokers):
            self._away_since = None
            self._readiness.found("Kafka")
        elif self._away_since is None:
            self._away_since = time.monotonic()
            self._readiness.missing("Kafka", "waiting for Kafka: no broker answers")
            log.warning("waiting", server="Kafka")

    def check(self) -> None:
        """Raise ServerUnavailable when no broker has answered for too long."""
        if self._away_since is not None and time.monotonic() - self._away_since > self._give_up_after:
            raise ServerUnavailable(
                f"no Kafka broker has answered for {self._give_up_after:.0f} s: "
                "start it, then start this service again"
            )


class _ChangePartition(StatefulSourcePartition[Received, int]):
    def __init__(
        self,
        consumer: Consumer,
        place: TopicPartition,
        *,
        resume_at: int | None,
        policy: ReadingPolicy,
        broker: _BrokerWatch,
        unread: dict[int, int],
        stop: StopSignal,
    ) -> None:
        self._consumer = consumer
        self._place = place
        self._policy = policy
        self._broker = broker
        self._unread = unread
        self._stop = stop
        low, high = self._consumer.get_watermark_offsets(self._place, timeout=_METADATA_SECONDS)
        if resume_at is not None and not low <= resume_at <= high:
            raise _lost(place, f"at offset {resume_at}, but its log holds {low} to {high}")
        self._next = low if resume_at is None else resume_at
        # Behind the last event the log may hold the marks of transactions, which no reader is shown.
        self._end = self._next
        start = OFFSET_BEGINNING if resume_at is None else resume_at
        self._consumer.assign([TopicPartition(place.topic, place.partition, start)])
        self._awake_at: datetime | None = None
        self._lag_told = 0.0
        self._lag = metrics.LAG.labels(str(place.partition))
        self._tell_lag(high)

    def next_batch(self) -> Iterable[Received]:
        if self._stop.is_set():
            raise StopIteration
        self._broker.check()
        messages = self._consumer.consume(self._policy.batch_size, timeout=0)
        now = utc_now()
        received = [
            Received(self._record(message), now) for message in messages if not self._is_trouble(message)
        ]
        if received:
            self._next = received[-1].record.offset + 1
            self._awake_at = None
            metrics.LAST_EVENT.set(time.time())
            self._lag_told = 0.0
        else:
            self._awake_at = datetime.now(UTC) + timedelta(seconds=self._policy.poll_seconds)
        if time.monotonic() - self._lag_told >= _LAG_EVERY_SECONDS:
            _, high = self._consumer.get_watermark_offsets(self._place, cached=True)
            self._tell_lag(high)
        return received

    def next_awake(self) -> datetime | None:
        return self._awake_at

    def snapshot(self) -> int:
        return self._next

    def close(self) -> None:
        self._consumer.close()

    def _record(self, message: KafkaMessage) -> SourceRecord:
        headers: Any = message.headers() or []
        return SourceRecord(
            topic=self._place.topic,
            partition=self._place.partition,
            offset=int(message.offset() or 0),
            key=message.key(),
            value=message.value(),
            headers=[(name, value or b"") for name, value in headers],
        )

    def _is_trouble(self, message: KafkaMessage) -> bool:
        """Whether this is no record but news of the client; the client itself retries what may pass.

        Raises:
            LostPosition: the log was cut behind our back.
            KafkaException: what no retry can make good.
        """
        error = message.error()
        if error is None:
            return False
        if error.code() == KafkaError._PARTITION_EOF:
            self._end = int(message.offset() or 0)
            self._lag_told = 0.0
            return True
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise _lost(self._place, f"at offset {self._next}: {error.str()}")
        if error.fatal() or (not error.retriable() and error.code() >= 0):
            raise KafkaException(error)
        log.warning("reading from Kafka is disturbed", partition=self._place.partition, error=error.str())
        return True

    def _tell_lag(self, high: int) -> None:
        self._lag_told = time.monotonic()
        if high < 0:  # before the first fetch the client knows no end of the log
            return
        lag = max(0, high - max(self._next, self._end))
        self._unread[self._place.partition] = lag
        self._lag.set(lag)


def _consumer(settings: KafkaSettings, broker: _BrokerWatch | None = None) -> Consumer:
    watched = (
        {"statistics.interval.ms": _STATISTICS_EVERY_MS, "stats_cb": broker.on_statistics} if broker else {}
    )
    return Consumer(
        settings.librdkafka()
        | {
            "group.id": "twin-feature-stream",  # names us to the broker; nothing is ever committed there
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 100,
            "fetch.message.max.bytes": settings.max_message_bytes + 65_536,
            "queued.max.messages.kbytes": _BUFFERED_KILOBYTES,
            "max.poll.interval.ms": 86_400_000,  # encoding a long document is no reason to be thrown out
        }
        | watched
    )


def _lost(place: TopicPartition, problem: str) -> LostPosition:
    return LostPosition(
        f"the stream would go on in {place.topic}, partition {place.partition}, {problem}: "
        "either the topic was made anew or it forgot what was not yet read"
    )
