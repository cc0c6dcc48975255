"""How a model is trained: one frozen configuration, and presets of it by the size of the base model."""

import tomllib
from enum import StrEnum
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from twin_common.errors import TwinError


class UnknownPreset(TwinError):
    """No preset of this name."""


class Method(StrEnum):
    """Which weights change."""

    FULL = "full"
    LORA = "lora"
    QLORA = "qlora"
    """LoRA over a base that is held in four bits; needs a GPU and bitsandbytes."""


class Lora(BaseModel):
    """The shape of the adapter."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    rank: PositiveInt = 16
    alpha: PositiveInt = 32
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] = ()
    """Names of linear layers; empty for all but the output layer."""


class Stage(BaseModel):
    """How long and how fast one stage learns."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    learning_rate: PositiveFloat
    epochs: PositiveInt = 3
    max_steps: PositiveInt | None = None
    """Optimiser steps at most; None for whole epochs."""
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    """Of all steps."""
    evaluations: int = Field(default=5, ge=2)
    """How often in a stage the held-out loss is taken and a checkpoint written."""
    patience: PositiveInt = 2
    """Evaluations without a better held-out loss before the stage stops early."""


class TrainingConfiguration(BaseModel):
    """Everything that decides what a training makes of a dataset; equal configurations give equal models."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    base_model: str = "smollm2-135m"
    """A folder, a model on the Hub, or `smollm2-135m`, which comes in a Python package."""
    base_revision: str | None = None
    """Of a model on the Hub: branch, tag or commit; None for its head."""
    chat_template: str | None = None
    """Jinja text, for a base that has none; else the base's own is used."""
    padding_token: str | None = None
    """A token of the vocabulary, for a tokenizer that names none."""
    method: Method = Method.LORA
    lora: Lora = Lora()
    max_length: PositiveInt = 512
    """Tokens of a sample; what is longer is cut at its end."""
    packing: bool = False
    """Several samples in one sequence of `max_length`, none of which sees the others."""
    micro_batch: PositiveInt = 4
    """Samples on a device at a time."""
    accumulation: PositiveInt = 2
    """Micro-batches a step."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto: bf16 where the device computes in it natively."""
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto"
    """auto: what transformers chooses for the model."""
    gradient_checkpointing: bool = False
    """Computes activations twice to hold few of them."""
    sharding: Literal["none", "fsdp"] = "none"
    """fsdp: parameters spread over the processes that `accelerate launch` started."""
    sft: Stage = Stage(learning_rate=5e-4)
    dpo: Stage = Stage(learning_rate=1e-4, epochs=1)
    dpo_beta: PositiveFloat = 0.1
    """How strongly the preference stage is held to the model it starts from."""
    seed: int = 0
    trackers: tuple[str, ...] = ()
    """Names that transformers' `report_to` knows, such as tensorboard, wandb, comet_ml, trackio."""

    @property
    def fingerprint(self) -> str:
        """sha256 over all fields that decide the weights; trackers do not."""
        return sha256(self.model_dump_json(exclude={"trackers"}).encode()).hexdigest()


def preset_names() -> list[str]:
    """Of all presets, from small to large."""
    folder = resources.files(__package__) / "presets"
    names = [entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return sorted(
        names,
        key=lambda name: (
            float(name.removesuffix("m").removesuffix("b")) * (1 if name.endswith("m") else 1000)
        ),
    )


def preset(name: str) -> TrainingConfiguration:
    """A configuration for a base of about that many parameters, such as 135m or 8b.

    Raises:
        UnknownPreset: there is none of this name.
    """
    if name not in preset_names():
        raise UnknownPreset(f"there is no preset {name!r}; choose one of {', '.join(preset_names())}")
    text = (resources.files(__package__) / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return TrainingConfiguration.model_validate(tomllib.loads(text))


def read_configuration(path: Path) -> TrainingConfiguration:
    """A configuration from a TOML file."""
    return TrainingConfiguration.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
