"""Taking the records of a topic one by one, as they were produced, and saying how far that went."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from twin_common.topics import Topic

log = structlog.get_logger(__name__)

# Only a dead process loses its partitions: its heartbeats end. Waiting for a place in a queue is no death.
_MAX_POLL_INTERVAL_MS = 24 * 3600 * 1000

Take = Callable[["ConsumerRecord[bytes, bytes]", AIOKafkaConsumer], Awaitable[None]]
"""Handles one record and commits its offset, at once or later, by `commit`."""


def subscribe(
    broker: KafkaBroker, topic: Topic, group: str, take: Take, fail: Callable[[BaseException], None]
) -> None:
    """Have every record of the topic taken, from the earliest that the group has not committed.

    Args:
        fail: told what `take` raised; it must end the service, since the next record follows all the same.
    """

    async def take_or_fail(message: KafkaMessage) -> None:
        try:
            await take(message.raw_message, message.consumer)
        except Exception as error:
            # FastStream would swallow it and go on behind the message; better to end and be started again.
            log.exception("a record could not be taken", topic=topic.name)
            fail(error)

    broker.subscriber(
        topic.name,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        max_poll_interval_ms=_MAX_POLL_INTERVAL_MS,
        parser=_parse_nothing,
        decoder=_decode_nothing,
        no_reply=True,
    )(take_or_fail)


async def commit(
    consumer: AIOKafkaConsumer, record: "ConsumerRecord[bytes, bytes]", offset: int | None = None
) -> None:
    """Commit an offset of the record's partition; without one, that this record is done."""
    offset = record.offset + 1 if offset is None else offset
    try:
        await consumer.commit({TopicPartition(record.topic, record.partition): offset})
    except (KafkaError, IllegalStateError) as error:
        # The partition went to another member, which takes the record again and finds it done.
        log.warning("an offset was not committed", offset=offset, error=str(error)[:300])


async def _parse_nothing(
    record: "ConsumerRecord[bytes, bytes]", parse: Callable[[Any], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """FastStream decodes headers, and drops a record whose headers are no text: keep them from it."""
    message = await parse(replace(record, headers=()))
    message.raw_message = record
    return message


async def _decode_nothing(message: KafkaMessage) -> bytes:
    """FastStream would parse the body; a malformed one must reach us as it is."""
    return bytes(message.body)
