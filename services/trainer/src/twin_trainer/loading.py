"""Tokenizer and weights as a configuration wants them on this device. Weights come from safetensors only."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from twin_common.errors import TwinError
from twin_trainer.chat_template import check_template, serving_template, training_template
from twin_trainer.config import Method, TrainingConfiguration

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class DeviceUnfit(TwinError):
    """This machine cannot train in the way that the configuration asks for."""


def load_tokenizer(configuration: TrainingConfiguration, folder: Path) -> "PreTrainedTokenizerBase":
    """The base's tokenizer with the template that marks answers, and with a padding token.

    Raises:
        UnfitChatTemplate: the template does not set answers apart.
    """
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if configuration.padding_token:
        tokenizer.pad_token = configuration.padding_token
    own = configuration.chat_template or str(tokenizer.chat_template)
    check_template(configuration.base_model, tokenizer, own)
    tokenizer.chat_template = training_template(own)
    return tokenizer


def save_serving_tokenizer(configuration: TrainingConfiguration, base_folder: Path, target: Path) -> None:
    """Write the tokenizer with which the trained model is asked: the same texts, without markers."""
    tokenizer = load_tokenizer(configuration, base_folder)
    own = AutoTokenizer.from_pretrained(base_folder, trust_remote_code=False).chat_template
    tokenizer.chat_template = serving_template(configuration.chat_template or str(own))
    tokenizer.save_pretrained(target)


def load_model(configuration: TrainingConfiguration, folder: Path) -> "PreTrainedModel":
    """The base's weights, on the device where they will be trained.

    A full training keeps them in fp32 and computes in bf16; beside an adapter they stay as they are: bf16.

    Raises:
        DeviceUnfit: four-bit weights or flash attention without a GPU or the library for it.
    """
    reduced = computes_in_bf16(configuration) and configuration.method is not Method.FULL
    options: dict[str, Any] = {"dtype": torch.bfloat16 if reduced else torch.float32}
    if configuration.attention != "auto":
        options["attn_implementation"] = configuration.attention
    if configuration.method is Method.QLORA:
        options |= _four_bits()
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, **options
        )
    except ImportError as error:
        raise DeviceUnfit(
            f"{configuration.method.value} with attention {configuration.attention!r} needs a library "
            f"that is not installed: {error}"
        ) from error
    model.config.use_cache = False
    return model


def computes_in_bf16(configuration: TrainingConfiguration) -> bool:
    """CPUs without native bf16 compute it many times more slowly: there it must be asked for."""
    if configuration.precision == "auto":
        return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    return configuration.precision == "bf16"


def _four_bits() -> dict[str, Any]:
    """NF4 with doubly quantised constants, as QLoRA's authors recommend (arXiv 2305.14314)."""
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        raise DeviceUnfit("qlora needs a GPU: choose method lora, or train where there is one")
    quantisation = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.bfloat16,  # so that FSDP can shard it like the rest
    )
    return {"quantization_config": quantisation, "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))}}
