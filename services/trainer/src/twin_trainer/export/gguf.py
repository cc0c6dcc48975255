"""A merged model as one GGUF file, which llama.cpp serves.

Written here for models of the Llama kind with byte-level pairs as their tokenizer: Llama 3, SmolLM,
Qwen 2 and 3.
The names of tensors and fields come from the gguf package, llama.cpp's own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import torch
from safetensors import safe_open

from twin_trainer.export.check import ExportUnsupported, check_gguf

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}


def export_gguf(merged: Path, target: Path) -> Path:
    """Write the model in half precision and compare it with what it was made of; returns the file.

    Raises:
        ExportUnsupported: this kind of model or tokenizer is not written here.
        ExportMismatch: llama.cpp reads other tokens, or its perplexity is not the merged model's; `target` is
            not written.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(merged, trust_remote_code=False)
    if config.model_type not in _ARCHITECTURES:
        raise ExportUnsupported(
            f"models of type {config.model_type} are not written as GGUF here; "
            "serve the merged model itself, or convert it with llama.cpp's convert_hf_to_gguf.py"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}")
    try:
        _write(merged, config, unfinished)
        check_gguf(merged, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _write(merged: Path, config: "PreTrainedConfig", target: Path) -> None:
    architecture = _ARCHITECTURES[config.model_type]
    writer = gguf.GGUFWriter(target, gguf.MODEL_ARCH_NAMES[architecture])
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, merged, config.vocab_size)
    for name, tensor in _tensors(merged, config, architecture, head):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(
    merged: Path, config: "PreTrainedConfig", architecture: gguf.MODEL_ARCH, head: int
) -> Iterator[tuple[str, np.ndarray]]:
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    scales = _rope_scales(config, head)
    if scales is not None:
        yield "rope_freqs.weight", scales
    for file in sorted(merged.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            for own_name in weights.keys():  # noqa: SIM118 -- safetensors' handle is no mapping
                tensor = weights.get_tensor(own_name).float()
                if config.model_type == "llama":
                    tensor = _interleaved(own_name, tensor, config)
                name = names.get_name(own_name, try_suffixes=(".weight", ".bias"))
                if name is None:
                    raise ExportUnsupported(
                        f"llama.cpp has no tensor for {own_name}; serve the merged model itself"
                    )
                precise = tensor.ndim == 1  # norms and biases, as llama.cpp expects them
                yield name, tensor.numpy().astype(np.float32 if precise else np.float16)


def _interleaved(name: str, tensor: torch.Tensor, config: "PreTrainedConfig") -> torch.Tensor:
    """llama.cpp rotates neighbours where transformers rotates halves: rows of queries and keys move."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    count = next((number for part, number in heads.items() if part in name), None)
    if count is None:
        return tensor
    halves = tensor.reshape(count, 2, tensor.shape[0] // count // 2, *tensor.shape[1:])
    return halves.swapaxes(1, 2).reshape(tensor.shape)


def _rope_scales(config: "PreTrainedConfig", head: int) -> np.ndarray | None:
    """By how much each frequency is slowed, for models whose context was stretched."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    kind = config.rope_parameters.get("rope_type", "default")
    if kind == "default":
        return None
    if kind != "llama3":
        raise ExportUnsupported(
            f"positions of type {kind} are not written as GGUF here; serve the merged model itself"
        )
    slowed, _ = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))
    plain = config.rope_parameters["rope_theta"] ** -(torch.arange(0, head, 2).float() / head)
    scales: np.ndarray = (plain / slowed).numpy().astype(np.float32)
    return scales


def _add_tokenizer(writer: gguf.GGUFWriter, merged: Path, size: int) -> None:
    content = json.loads((merged / "tokenizer.json").read_text(encoding="utf-8"))
    settings = json.loads((merged / "tokenizer_config.json").read_text(encoding="utf-8"))
    model, added = content["model"], content["added_tokens"]
    if model["type"] != "BPE" or model.get("byte_fallback"):
        raise ExportUnsupported(
            "only tokenizers of byte-level pairs are written as GGUF; serve the merged model itself"
        )
    by_id = {number: piece for piece, number in model["vocab"].items()} | {
        entry["id"]: entry["content"] for entry in added
    }
    kinds = {entry["id"]: _kind(entry) for entry in added}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_splitting(content["pre_tokenizer"]))
    writer.add_token_list([by_id.get(number, f"[unused{number}]") for number in range(size)])
    unused = gguf.TokenType.UNUSED
    writer.add_token_types(
        [kinds.get(number, gguf.TokenType.NORMAL if number in by_id else unused) for number in range(size)]
    )
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]])
    writer.add_add_bos_token(False)  # the chat template writes it
    writer.add_add_space_prefix(False)
    ids = {piece: number for number, piece in by_id.items()}
    for role, add in (
        ("bos_token", writer.add_bos_token_id),
        ("eos_token", writer.add_eos_token_id),
        ("pad_token", writer.add_pad_token_id),
        ("unk_token", writer.add_unk_token_id),
    ):
        token = settings.get(role)
        token = token["content"] if isinstance(token, dict) else token
        if token in ids:
            add(ids[token])
    template = merged / "chat_template.jinja"
    if template.exists():
        writer.add_chat_template(template.read_text(encoding="utf-8"))


def _kind(entry: dict[str, Any]) -> gguf.TokenType:
    return gguf.TokenType.CONTROL if entry["special"] else gguf.TokenType.USER_DEFINED


def _splitting(pre_tokenizer: dict[str, Any]) -> str:
    """llama.cpp's name for how text is cut into words; the check compares the tokens."""
    parts = pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    patterns = [part["pattern"].get("Regex", "") for part in parts if part["type"] == "Split"]
    if any(part["type"] == "Digits" and part["individual_digits"] for part in parts):
        return "smollm"
    if not patterns:
        return "gpt-2"
    return "llama-bpe" if any(r"\p{N}{1,3}" in pattern for pattern in patterns) else "qwen2"
