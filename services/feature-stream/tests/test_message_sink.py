import pytest
from confluent_kafka import Consumer, TopicPartition

from twin_common.errors import ServerUnavailable
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_feature_stream.message_sink import ConfirmedPublisher, UndeliveredMessage
from twin_feature_stream.readiness import StopSignal

MESSAGES = [Message("some.topic", b"key", f"value {number}".encode(), [("a", b"b")]) for number in range(50)]


class TestConfirmedPublisher:
    def test_all_is_there_when_it_returns(self, kafka: KafkaSettings) -> None:
        ConfirmedPublisher(kafka, StopSignal(), 10).publish(MESSAGES)
        consumer = Consumer(kafka.librdkafka() | {"group.id": "test", "auto.offset.reset": "error"})
        ends = [
            consumer.get_watermark_offsets(TopicPartition("some.topic", partition), timeout=5)[1]
            for partition in consumer.list_topics("some.topic").topics["some.topic"].partitions
        ]
        consumer.close()
        assert sum(ends) == len(MESSAGES)

    def test_without_a_broker_it_raises(self) -> None:
        nobody = KafkaSettings(bootstrap_servers="127.0.0.1:1")
        with pytest.raises(ServerUnavailable, match="start it"):
            ConfirmedPublisher(nobody, StopSignal(), 0.5).publish(MESSAGES)

    def test_what_is_too_large_is_refused(self, kafka: KafkaSettings) -> None:
        small = kafka.model_copy(update={"max_message_bytes": 1000})
        with pytest.raises(UndeliveredMessage):
            ConfirmedPublisher(small, StopSignal(), 10).publish([Message("t", b"k", b"x" * 100_000, [])])
