"""How services speak to Kafka: both clients make the same promises and choose the same partition."""

import asyncio
import ssl
from typing import Literal
from uuid import uuid4

import pytest
from pydantic import SecretStr

from twin_common.kafka_settings import KafkaSettings

aiokafka = pytest.importorskip("aiokafka")
confluent_kafka = pytest.importorskip("confluent_kafka")

_KEYS = [f"key-{number}".encode() for number in range(40)]


class TestSettings:
    @pytest.fixture(autouse=True)
    def address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")

    def test_never_show_the_password(self) -> None:
        settings = KafkaSettings(sasl_username="ada", sasl_password=SecretStr("hunter2"))
        assert "hunter2" not in f"{settings!r} {settings.model_dump_json()}"
        assert settings.aiokafka()["sasl_plain_password"] == "hunter2"
        assert settings.librdkafka()["sasl.password"] == "hunter2"

    def test_without_a_user_nothing_is_said_of_sasl(self) -> None:
        settings = KafkaSettings()
        assert not [name for name in settings.aiokafka() | settings.librdkafka() if "sasl" in name]

    @pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
    async def test_an_encrypted_connection_verifies_the_server(
        self, protocol: Literal["SSL", "SASL_SSL"]
    ) -> None:
        settings = KafkaSettings(
            security_protocol=protocol, sasl_username="ada", sasl_password=SecretStr("hunter2")
        )
        context = settings.aiokafka()["ssl_context"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        # Without a context the client refuses to be made.
        aiokafka.AIOKafkaProducer(**settings.aiokafka_producer())

    def test_a_plain_connection_has_no_certificates(self) -> None:
        password = SecretStr("hunter2")
        settings = KafkaSettings(
            security_protocol="SASL_PLAINTEXT", sasl_username="ada", sasl_password=password
        )
        assert "ssl_context" not in settings.aiokafka()


class TestProducers:
    async def test_put_equal_keys_into_equal_partitions(self, kafka_bootstrap: str) -> None:
        settings = KafkaSettings(bootstrap_servers=kafka_bootstrap)
        topic = f"partitioning-{uuid4().hex}"

        def with_librdkafka() -> dict[bytes, int]:
            chosen: dict[bytes, int] = {}
            producer = confluent_kafka.Producer(settings.librdkafka_producer())
            for key in _KEYS:
                producer.produce(
                    topic,
                    b"v",
                    key,
                    on_delivery=lambda _, done: chosen.update({done.key(): done.partition()}),
                )
            assert producer.flush(20) == 0
            return chosen

        async with aiokafka.AIOKafkaProducer(**settings.aiokafka_producer()) as producer:
            sent = [await producer.send_and_wait(topic, b"v", key=key) for key in _KEYS]
        by_aiokafka = dict(zip(_KEYS, (record.partition for record in sent), strict=True))
        assert len(set(by_aiokafka.values())) > 1
        assert await asyncio.to_thread(with_librdkafka) == by_aiokafka
