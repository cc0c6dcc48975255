"""What can be set about the trainer; read from `TRAINER_*`."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, TypeAdapter, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from twin_trainer.config import TrainingConfiguration, preset, read_configuration
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.gate import GatePolicy
from twin_trainer.release import ReleasePolicy
from twin_trainer.search import default_configuration
from twin_trainer.worker import WorkerPolicy


class TrainerSettings(BaseSettings):
    """The service's own settings."""

    model_config = SettingsConfigDict(env_prefix="TRAINER_", use_attribute_docstrings=True)

    http_host: str = "127.0.0.1"
    http_port: int = 8004
    """Where /livez, /readyz and /metrics are served."""
    registry: Path = Path(".twin/registry")
    """The folder of the registry: datasets are read from it, models are kept in it."""
    work: Path = Path(".twin/trainer")
    """Where checkpoints of trainings under way are; on a disk that outlives the process."""
    hub_namespace: str | None = None
    """A user or organisation on the Hugging Face Hub; set, models are kept there as well."""
    hub_token: SecretStr | None = None
    """A token that may write there."""

    preset: str = "135m"
    """The size of the base model: a name that `twin train --help` lists."""
    configuration: Path | None = None
    """A TOML file with a configuration of its own, instead of a preset."""
    run_jobs: bool = True
    """Whether this copy trains; one that does not only lines trainings up for those that do."""
    attempts: int = Field(3, ge=1)
    """How often a training is tried before it is parked."""
    retry_seconds: float = Field(30.0, ge=0)
    """Between two attempts; it doubles with each."""
    lease_seconds: float = Field(30.0, gt=0)
    """A worker elsewhere that is silent for so long has lost its training."""
    stall_seconds: float = Field(3600.0, gt=0)
    """A training that tells nothing for so long is ended and tried again."""
    evaluation: Path | None = None
    """A TOML file that says how much is measured, instead of the defaults."""
    pairs: int = Field(32, ge=0)
    """Rejected answers that the base writes for a dataset that has no preference pairs; 0: none."""
    pair_tokens: int = Field(128, ge=8)
    """The longest of them."""
    gate: Path | None = None
    """A TOML file with the limits of the gate, instead of the defaults."""

    vllm_url: str | None = None
    """A vLLM server into which approved adapters are loaded; without it, who serves models says so itself."""
    canary_share: float = Field(0.1, gt=0, le=1)
    """Of the questions to the trained twin, those that a new model answers while it is tried."""
    canary_seconds: float = Field(3600.0, ge=0)
    """How long a new model is tried at least."""
    canary_answers: int = Field(20, ge=0)
    """How many answers it gives at least before it answers everything."""
    max_failure_share: float = Field(0.2, ge=0, le=1)
    """Of the answers: more that failed take a model out of service."""
    max_thumbs_down_share: float = Field(0.6, ge=0, le=1)
    """Of the thumbs: more that point down take a model out of service."""
    load_seconds: float = Field(900.0, gt=0)
    """How long an approved model may take until it answers somewhere."""

    @model_validator(mode="after")
    def _may_write_to_the_hub(self) -> Self:
        if self.hub_namespace and self.hub_token is None:
            raise ValueError(
                "TRAINER_HUB_NAMESPACE is set, so TRAINER_HUB_TOKEN must be a token that may write"
            )
        return self

    @property
    def training(self) -> TrainingConfiguration:
        """How a model is trained when nobody says otherwise: by the file, the last search, or the preset."""
        if self.configuration:
            return read_configuration(self.configuration)
        return default_configuration(self.registry, preset(self.preset))

    @property
    def worker_policy(self) -> WorkerPolicy:
        """How patient a worker is, and what it asks of a training."""
        return WorkerPolicy(
            attempts=self.attempts,
            retry_seconds=self.retry_seconds,
            lease_seconds=self.lease_seconds,
            pairs=self.pairs,
            pair_tokens=self.pair_tokens,
            evaluation=TypeAdapter(EvaluationPolicy).validate_python(_read(self.evaluation)),
            gate=GatePolicy.model_validate(_read(self.gate)),
        )

    @property
    def release_policy(self) -> ReleasePolicy:
        """When a model goes on and when it goes back."""
        return ReleasePolicy(**{entry.name: getattr(self, entry.name) for entry in fields(ReleasePolicy)})


def _read(file: Path | None) -> dict[str, object]:
    return tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
