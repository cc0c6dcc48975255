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
    """The most changes that are published as one batch, which is one transaction of Kafka."""
    lease_seconds: float = 6.0
    """How long the copy that relays may be silent before another takes over."""
    quiet_save_seconds: float = 30.0
    """How often the position of a quiet stream is saved; it must stay far below the log's retention."""
    retry_limit_seconds: float = 900.0
    """How long a server may be away before the service gives up and leaves restarting to its supervisor."""
