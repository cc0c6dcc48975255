"""What an operator can set; read from `CDC_*`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class CdcSettings(BaseSettings):
    """The service's own settings; servers have theirs (`MONGODB_*`, `KAFKA_*`)."""

    model_config = SettingsConfigDict(env_prefix="CDC_", use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8002
    inline_limit_bytes: int = 262_144
    """A larger event travels without its document: the reader fetches that from the warehouse."""
    batch_size: int = 500
    """The most changes that are published as one batch."""
    batches_in_flight: int = 4
    """How many batches may wait for Kafka's confirmation at once."""
    retry_limit_seconds: float = 900.0
    """How long a server may be away before the service gives up and leaves restarting to its supervisor."""
