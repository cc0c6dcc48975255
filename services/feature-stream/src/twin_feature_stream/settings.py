"""What the service can be told from outside."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class FeatureStreamSettings(BaseSettings):
    """Read from `FEATURE_STREAM_*`; the servers and the encoder have settings of their own."""

    model_config = SettingsConfigDict(env_prefix="FEATURE_STREAM_", use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8003
    """Where `/livez`, `/readyz` and `/metrics` are served; 0 takes any free port."""
    workers: int = Field(default=1, ge=1)
    """Threads, each with some of the topic's partitions; one where several processes share the work."""
    addresses: str = ""
    """host:port of every process that shares the work, this one too, apart by commas; empty: it is alone."""
    process: int = Field(default=0, ge=0)
    """Which of `addresses` is this process; the first also reconciles."""
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

    @property
    def peers(self) -> list[str]:
        """`addresses` one by one."""
        return [address.strip() for address in self.addresses.split(",") if address.strip()]

    @model_validator(mode="after")
    def _fits_its_peers(self) -> Self:
        if self.process >= max(1, len(self.peers)):
            raise ValueError(
                f"process {self.process} is none of the {len(self.peers)} addresses; count from 0"
            )
        if self.peers and self.workers > 1:
            # With more, the death of one process left another hanging (tried with Bytewax 0.21).
            raise ValueError("several processes work with one worker each: add addresses instead of workers")
        return self
