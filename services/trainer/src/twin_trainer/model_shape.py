"""How large a model is, from its configuration alone: it is built without memory for its weights."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from twin_common.errors import TwinError
from twin_trainer.adapters import adapter_configuration
from twin_trainer.config import TrainingConfiguration

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


class UnfitConfiguration(TwinError):
    """The training configuration does not suit the model."""


@dataclass(frozen=True)
class ModelShape:
    """Counts, and the lengths that memory follows from."""

    parameters: int
    trainable: int
    """All, or those of the adapter."""
    embedding: int
    """Input and output embeddings, which are not held in four bits."""
    layers: int
    hidden_size: int
    intermediate_size: int
    vocabulary: int


def model_shape(configuration: TrainingConfiguration, config: "PreTrainedConfig") -> ModelShape:
    """Of a model with the adapter that the configuration asks for.

    Raises:
        UnfitConfiguration: samples longer than the model reads, or target modules that it does not have.
    """
    text = config.get_text_config()
    if configuration.max_length > text.max_position_embeddings:
        raise UnfitConfiguration(
            f"max_length {configuration.max_length} is more than the {text.max_position_embeddings} tokens "
            f"that {configuration.base_model} reads; lower it"
        )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        parameters = _count(model.parameters())
        ends = (model.get_input_embeddings().weight, model.get_output_embeddings().weight)
        embedding = _count({id(weight): weight for weight in ends}.values())  # one where they are tied
        adapter = adapter_configuration(configuration)
        try:
            adapted = get_peft_model(model, adapter, low_cpu_mem_usage=True) if adapter else model
        except ValueError as error:
            raise UnfitConfiguration(
                f"target_modules {configuration.lora.target_modules} are not in {configuration.base_model}; "
                "leave them empty for all linear layers"
            ) from error
    return ModelShape(
        parameters=parameters,
        trainable=_count(weight for weight in adapted.parameters() if weight.requires_grad),
        embedding=embedding,
        layers=text.num_hidden_layers,
        hidden_size=text.hidden_size,
        intermediate_size=text.intermediate_size,
        vocabulary=text.vocab_size,
    )


def _count(weights: Iterable[torch.Tensor]) -> int:
    return sum(weight.numel() for weight in weights)
