"""How every service speaks to Kafka, whichever client it uses."""

import re
import ssl
from typing import Any, Literal, Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_ADDRESS = re.compile(r"(?:[A-Z_]+://)?(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")


class KafkaSettings(BaseSettings):
    """Where Kafka is; read from `KAFKA_*`."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", use_attribute_docstrings=True)

    bootstrap_servers: str
    """Where Kafka is first asked: host:port, several apart by commas."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Whether Kafka is reached with TLS (SSL) and with a password (SASL)."""
    sasl_mechanism: str = "SCRAM-SHA-512"
    """How the password is proven."""
    sasl_username: str | None = None
    """Who this service is to Kafka."""
    sasl_password: SecretStr | None = None
    """The password of that user."""
    max_message_bytes: int = 4_500_000
    """The largest message that is produced."""

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_addresses(cls, servers: str) -> str:
        for server in servers.split(","):
            if not _ADDRESS.fullmatch(server.strip()):
                raise ValueError(f"{server.strip()!r} is not host:port")
        return servers

    @model_validator(mode="after")
    def _has_a_password_where_one_is_asked(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL is {self.security_protocol}, so KAFKA_SASL_USERNAME and "
                "KAFKA_SASL_PASSWORD must say who this service is"
            )
        return self

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
