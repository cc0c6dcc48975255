"""What can be set about datasets."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from twin_feature_stream.datasets.chat_model import ModelSettings
from twin_feature_stream.datasets.triggers import TriggerPolicy


class DatasetSettings(BaseSettings):
    """Read from `DATASETS_*`."""

    model_config = SettingsConfigDict(env_prefix="DATASETS_", use_attribute_docstrings=True)

    registry: Path = Path(".twin/registry")
    """The folder of the registry; versions are below `datasets` in it."""
    languages: tuple[str, ...] = ()
    """Language tags of prose that is learnt from, as a JSON list such as ["en"]; empty: every language."""
    seed: int = 1
    """Of the choice among wordings."""

    hub_namespace: str | None = None
    """A user or organisation on the Hugging Face Hub; set, versions are kept there as well, in private."""
    hub_token: SecretStr | None = None
    """A token that may write there."""

    instruction_model_url: str | None = None
    """Base of an OpenAI-compatible API whose model writes instructions; without it rules do."""
    instruction_model: str | None = None
    instruction_model_api_key: SecretStr | None = None
    rejected_model_url: str | None = None
    """The same of the base or production model, whose answers are the rejected ones of preference pairs."""
    rejected_model: str | None = None
    rejected_model_api_key: SecretStr | None = None
    model_timeout_seconds: float = Field(60.0, gt=0)
    """For one whole answer of either model."""
    model_concurrency: int = Field(8, ge=1)
    """Questions that are open at a model at the same time."""

    check_seconds: float = Field(300.0, gt=0)
    """How often the process that builds by itself looks whether a build is due."""
    every_hours: float = Field(168.0, gt=0)
    """A build is due so long after the last one, where anything changed."""
    new_characters: int = Field(20_000, ge=1)
    """So much new or changed text makes a build due."""
    at_least_apart_seconds: float = Field(1800.0, ge=0)
    """Between two builds that nobody asked for."""

    @model_validator(mode="after")
    def _models_are_named(self) -> Self:
        for name in ("instruction_model", "rejected_model"):
            if getattr(self, f"{name}_url") and not getattr(self, name):
                variable = f"DATASETS_{name.upper()}"
                raise ValueError(f"{variable}_URL is set, so {variable} must name the model there")
        return self

    @model_validator(mode="after")
    def _may_write_to_the_hub(self) -> Self:
        if self.hub_namespace and self.hub_token is None:
            raise ValueError(
                "DATASETS_HUB_NAMESPACE is set, so DATASETS_HUB_TOKEN must be a token that may write"
            )
        return self

    @property
    def triggers(self) -> TriggerPolicy:
        """When a build is due."""
        return TriggerPolicy(
            every=timedelta(hours=self.every_hours),
            new_characters=self.new_characters,
            at_least_apart=timedelta(seconds=self.at_least_apart_seconds),
        )

    @property
    def instructions(self) -> ModelSettings | None:
        """The model that writes instructions."""
        return self._model(self.instruction_model_url, self.instruction_model, self.instruction_model_api_key)

    @property
    def rejected(self) -> ModelSettings | None:
        """The model whose answers are rejected."""
        return self._model(self.rejected_model_url, self.rejected_model, self.rejected_model_api_key)

    def _model(self, url: str | None, model: str | None, key: SecretStr | None) -> ModelSettings | None:
        if not url or not model:
            return None
        return ModelSettings(
            url=url,
            model=model,
            api_key=key,
            timeout_seconds=self.model_timeout_seconds,
            concurrency=self.model_concurrency,
        )
