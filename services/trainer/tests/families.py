"""Configurations of real models, as their config.json has them, without what does not shape them."""

from typing import Any


def _llama_like(
    widths: tuple[int, int], layers: int, heads: tuple[int, int], vocabulary: int, **more: Any
) -> dict[str, Any]:
    """Of hidden and intermediate size, and of heads of queries and of keys."""
    return {
        "hidden_size": widths[0],
        "intermediate_size": widths[1],
        "num_hidden_layers": layers,
        "num_attention_heads": heads[0],
        "num_key_value_heads": heads[1],
        "vocab_size": vocabulary,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-6,
        **more,
    }


PUBLISHED_BILLIONS = {
    "SmolLM2-135M": 0.1345,
    "SmolLM2-1.7B": 1.711,
    "Llama-3.2-3B": 3.213,
    "Mistral-7B-v0.3": 7.248,
    "Qwen3-8B": 8.191,
    "Gemma-2-9b": 9.242,
    "Qwen2.5-14B": 14.770,
    "Qwen2.5-32B": 32.764,
    "Llama-3.3-70B": 70.554,
}
"""Parameters, as the models' pages on the Hub count them."""

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "SmolLM2-135M": _llama_like((576, 1536), 30, (9, 3), 49152, model_type="llama", tie_word_embeddings=True),
    "SmolLM2-1.7B": _llama_like(
        (2048, 8192), 24, (32, 32), 49152, model_type="llama", tie_word_embeddings=True
    ),
    "Llama-3.2-3B": _llama_like(
        (3072, 8192), 28, (24, 8), 128256, model_type="llama", head_dim=128, tie_word_embeddings=True
    ),
    "Mistral-7B-v0.3": _llama_like(
        (4096, 14336), 32, (32, 8), 32768, model_type="mistral", head_dim=128, sliding_window=None
    ),
    "Qwen3-8B": _llama_like(
        (4096, 12288), 36, (32, 8), 151936, model_type="qwen3", head_dim=128, tie_word_embeddings=False
    ),
    "Gemma-2-9b": _llama_like(
        (3584, 14336), 42, (16, 8), 256000, model_type="gemma2", head_dim=256, query_pre_attn_scalar=256
    ),
    "Qwen2.5-14B": _llama_like(
        (5120, 13824), 48, (40, 8), 152064, model_type="qwen2", tie_word_embeddings=False
    ),
    "Qwen2.5-32B": _llama_like(
        (5120, 27648), 64, (40, 8), 152064, model_type="qwen2", tie_word_embeddings=False
    ),
    "Llama-3.3-70B": _llama_like((8192, 28672), 80, (64, 8), 128256, model_type="llama", head_dim=128),
}

PRESETS = {
    "135m": ("SmolLM2-135M", 6),
    "3b": ("SmolLM2-1.7B", 24),
    "8b": ("Qwen3-8B", 40),
    "14b": ("Qwen2.5-14B", 24),
    "30b": ("Qwen2.5-32B", 40),
    "70b": ("Llama-3.3-70B", 40),
}
"""The model that each names, and the gigabytes of a device that it is said to fit."""
