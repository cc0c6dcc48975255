"""Announces a dataset on the event bus."""

from collections.abc import Callable

from twin_common.events import DatasetReady, encode
from twin_common.kafka_settings import KafkaSettings
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal
from twin_feature_stream.work import SERVICE

_CONFIRM_SECONDS = 60.0


def dataset_publisher(kafka: KafkaSettings) -> Callable[[DatasetReady], None]:
    """A function that returns once Kafka has confirmed the event; it connects when it is called."""

    def publish(event: DatasetReady) -> None:
        publisher = ConfirmedPublisher(kafka, StopSignal(), _CONFIRM_SECONDS)
        publisher.publish([encode(event, SERVICE, event_id=event.dataset_id)])

    return publish
