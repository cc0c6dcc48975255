"""What the service can be told from outside."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FeatureStreamSettings(BaseSettings):
    """Read from `FEATURE_STREAM_*`; the servers and the encoder have settings of their own."""

    model_config = SettingsConfigDict(env_prefix="FEATURE_STREAM_", use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8003
    """Where `/livez`, `/readyz` and `/metrics` are served; 0 takes any free port."""
    recovery_dir: Path = Path(".twin/feature-stream")
    """Where Bytewax keeps the offsets it has finished; made when missing. One folder belongs to one Kafka."""
    epoch_seconds: float = Field(default=1.0, gt=0)
    """How often the finished offsets are written down: what a crash repeats at most."""
    poll_seconds: float = Field(default=0.05, gt=0)
    """How long the source rests when there is nothing to read."""
    batch_documents: int = Field(default=16, ge=1)
    """How many events of each Kafka partition one micro-batch takes."""
    max_text_bytes: int = Field(default=2_000_000, ge=1)
    """A longer text is skipped, with a reason."""
    retry_seconds: float = Field(default=900.0, gt=0)
    """How long a server may be away before the service gives up and exits."""
    reconcile_interval_seconds: float = Field(default=300.0, ge=0)
    """How often the index is compared with the warehouse, the first time at start; 0: never."""
