"""How every service speaks to Kafka, whichever client it uses."""

import ssl
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class KafkaSettings(BaseSettings):
    """Where Kafka is; read from `KAFKA_*`."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", use_attribute_docstrings=True)

    bootstrap_servers: str = "127.0.0.1:9092"
    """host:port, several apart by commas."""
    security_protocol: str = "PLAINTEXT"
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: str = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    max_message_bytes: int = 4_500_000
    """The largest message that is produced."""

    def ssl_context(self) -> ssl.SSLContext | None:
        """How the server proves itself where the protocol is encrypted: to the system's authorities."""
        return ssl.create_default_context() if self.security_protocol.endswith("SSL") else None

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments for an aiokafka client."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if (context := self.ssl_context()) is not None:
            arguments["ssl_context"] = context
        if self.sasl_username is not None and self.sasl_password is not None:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        return arguments

    def librdkafka(self) -> dict[str, Any]:
        """Configuration for a librdkafka client."""
        settings: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.security_protocol,
        }
        if self.sasl_username is not None and self.sasl_password is not None:
            settings |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.sasl_username,
                "sasl.password": self.sasl_password.get_secret_value(),
            }
        return settings

    def aiokafka_producer(self) -> dict[str, Any]:
        """An idempotent producer that waits for every replica; its partitioner is murmur2."""
        return self.aiokafka() | {
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": "lz4",
            "linger_ms": 5,
            "max_request_size": self.max_message_bytes,
        }

    def librdkafka_producer(self) -> dict[str, Any]:
        """The same promises from librdkafka, and the partitioner that Java and aiokafka use."""
        return self.librdkafka() | {
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 5,
            "message.max.bytes": self.max_message_bytes,
            "partitioner": "murmur2_random",
        }
