"""What a training will need, before anything heavy is loaded."""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig

from twin_trainer.base_model import inspect_base
from twin_trainer.config import Method, Stage, TrainingConfiguration
from twin_trainer.loading import computes_in_bf16, load_tokenizer
from twin_trainer.model_shape import ModelShape, model_shape
from twin_trainer.rows import INSTRUCT, PREFERENCE, count_rows, training_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_FOUR_BIT_BYTES = 0.52
"""Of a weight, with its share of constants (arXiv 2305.14314)."""
_ADAM_BYTES = 8
"""Two moments in fp32."""
_HEAD_TOKENS = 1024
"""For so many tokens at a time the output layer is computed."""
_RUNTIME_BYTES = 1_500_000_000
"""Of libraries and of the device's own context."""
_SLACK = 1.2
"""What allocators round up and cannot reuse; with it the measured runs of SmolLM2-135M stay below."""
_EFFICIENCY = 0.35
"""Of a training step against one large product of matrices."""


@dataclass(frozen=True)
class Estimate:
    """For `--dry-run`."""

    parameters: int
    trainable_parameters: int
    samples: int
    pairs: int
    tokens_an_epoch: int
    """Of the supervised stage, after cutting to max_length."""
    sft_steps: int
    dpo_steps: int
    memory_bytes: int
    """On each device, with samples of max_length."""
    seconds: float
    """Of both stages on this machine; evaluations and a first download are not in it."""


def estimate(configuration: TrainingConfiguration, rows_folder: Path) -> Estimate:
    """Steps, memory and time; reads the base's configuration and tokenizer, not its weights.

    Raises:
        UnfitBaseModel, UnfitConfiguration, NoRows: as training would.
    """
    folder = inspect_base(configuration)
    shape = model_shape(configuration, AutoConfig.from_pretrained(folder, trust_remote_code=False))
    lengths = _lengths(configuration, load_tokenizer(configuration, folder), rows_folder)
    pairs = count_rows(rows_folder, PREFERENCE, "train")
    sequences = math.ceil(sum(lengths) / configuration.max_length) if configuration.packing else len(lengths)
    sft_steps = _steps(configuration, configuration.sft, sequences)
    dpo_steps = _steps(configuration, configuration.dpo, pairs) if pairs else 0
    samples_a_step = configuration.micro_batch * configuration.accumulation
    sft_tokens = sum(lengths) / max(sequences, 1) * samples_a_step * sft_steps
    dpo_tokens = 2 * sum(lengths) / len(lengths) * samples_a_step * dpo_steps  # chosen and rejected
    flops = flops_a_token(configuration, shape) * (sft_tokens + dpo_tokens)
    return Estimate(
        parameters=shape.parameters,
        trainable_parameters=shape.trainable,
        samples=len(lengths),
        pairs=pairs,
        tokens_an_epoch=sum(lengths),
        sft_steps=sft_steps,
        dpo_steps=dpo_steps,
        memory_bytes=memory_bytes(configuration, shape, int(os.environ.get("WORLD_SIZE", "1"))),
        seconds=flops / (_device_flops(configuration) * _EFFICIENCY),
    )


def memory_bytes(configuration: TrainingConfiguration, shape: ModelShape, devices: int) -> int:
    """What one of so many devices holds at the height of a step.

    Of a layer's forward pass, what the backward pass needs is kept: about 8 vectors of the hidden size and
    4 of the intermediate size a token (after arXiv 2205.05198, for gated layers); with gradient checkpointing
    one vector, and all of one layer at a time.
    """
    number = 2 if computes_in_bf16(configuration) else 4
    shards = devices if configuration.sharding == "fsdp" else 1
    weights = {
        Method.FULL: shape.parameters * 4,
        Method.LORA: shape.parameters * number,
        Method.QLORA: (shape.parameters - shape.embedding) * _FOUR_BIT_BYTES + shape.embedding * 2,
    }[configuration.method]
    adapter = 0 if configuration.method is Method.FULL else shape.trainable * 4
    learning = shape.trainable * (4 + _ADAM_BYTES)
    tokens = configuration.micro_batch * configuration.max_length
    a_layer = tokens * (8 * shape.hidden_size + 4 * shape.intermediate_size) * number
    if configuration.gradient_checkpointing:
        activations = tokens * shape.hidden_size * number * shape.layers + a_layer
    else:
        activations = a_layer * shape.layers
    head = 2 * min(tokens, _HEAD_TOKENS) * shape.vocabulary * 4
    return int((weights + adapter + learning) / shards + _SLACK * activations + head + _RUNTIME_BYTES)


def _lengths(
    configuration: TrainingConfiguration, tokenizer: "PreTrainedTokenizerBase", rows_folder: Path
) -> list[int]:
    texts = [
        tokenizer.apply_chat_template(row["prompt"] + row["completion"], tokenize=False)
        for row in training_rows(rows_folder, INSTRUCT)
    ]
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [min(len(tokens), configuration.max_length) for tokens in encoded]


def _steps(configuration: TrainingConfiguration, stage: Stage, samples: int) -> int:
    micro_batches = math.ceil(samples / configuration.micro_batch)
    all_steps = math.ceil(micro_batches / configuration.accumulation) * stage.epochs
    return stage.max_steps or all_steps


def flops_a_token(configuration: TrainingConfiguration, shape: ModelShape) -> float:
    """Two for each weight forward, two for the gradients of what flows, two for those of what learns."""
    passes = 6 if configuration.method is Method.FULL else 4
    return float((passes + (2 if configuration.gradient_checkpointing else 0)) * shape.parameters)


def _device_flops(configuration: TrainingConfiguration) -> float:
    """Floating-point operations a second in one large product of matrices here and now."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = 4096 if device == "cuda" else 1024
    dtype = torch.bfloat16 if computes_in_bf16(configuration) else torch.float32
    matrix = torch.ones(size, size, device=device, dtype=dtype)
    fastest = math.inf
    for _ in range(5):
        began = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # reading a number waits for the device
        fastest = min(fastest, time.perf_counter() - began)
    return 2 * size**3 / fastest
