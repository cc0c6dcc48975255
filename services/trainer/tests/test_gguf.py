"""What llama.cpp is given says what the merged model says, measured by llama.cpp itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoConfig,
    GemmaConfig,
    GemmaForCausalLM,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from twin_trainer.export import gguf
from twin_trainer.export.check import PERPLEXITY_LIMIT, ExportMismatch, ExportUnsupported, check_gguf
from twin_trainer.export.gguf import export_gguf
from twin_trainer.testing.tiny_model import write_tiny_model


def _stretched(folder: Path) -> PreTrainedModel:
    """As Llama 3.1 and later: a short context made longer by slower rotations."""
    config = AutoConfig.from_pretrained(folder)
    config.rope_parameters = {
        "rope_type": "llama3",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    }
    return LlamaForCausalLM(config)


def _of(kind: type, config: type) -> Callable[[Path], PreTrainedModel]:
    def make(folder: Path) -> PreTrainedModel:
        shared = (
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
        )
        llama = AutoConfig.from_pretrained(folder)
        fields = {name: getattr(llama, name) for name in (*shared, "num_key_value_heads")}
        return kind(config(**fields, head_dim=8, max_position_embeddings=256))

    return make


MODELS: dict[str, Callable[[Path], PreTrainedModel]] = {
    "llama": lambda folder: LlamaForCausalLM(AutoConfig.from_pretrained(folder)),
    "llama3": _stretched,
    "qwen2": _of(Qwen2ForCausalLM, Qwen2Config),
    "qwen3": _of(Qwen3ForCausalLM, Qwen3Config),
}


def _write(folder: Path, make: Callable[[Path], PreTrainedModel]) -> Path:
    """A random model whose attention matters: weights are twenty times larger than a fresh model's."""
    write_tiny_model(folder)
    torch.manual_seed(1)
    model = make(folder)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(20 if weight.ndim > 1 else 1)
    model.save_pretrained(folder)
    return folder


class TestExport:
    """For each kind of model that is written."""

    @pytest.mark.parametrize("kind", MODELS)
    def test_has_the_merged_models_perplexity(self, tmp_path: Path, kind: str) -> None:
        merged = _write(tmp_path / "merged", MODELS[kind])
        file = export_gguf(merged, tmp_path / "export" / "model.gguf")
        check = check_gguf(merged, file)
        assert check.difference < PERPLEXITY_LIMIT / 4
        assert [path.name for path in file.parent.iterdir()] == ["model.gguf"]

    def test_a_wrong_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        merged = _write(tmp_path / "merged", MODELS["llama"])
        monkeypatch.setattr(gguf, "_interleaved", lambda _, tensor, __: tensor)
        with pytest.raises(ExportMismatch, match="perplexity"):
            export_gguf(merged, tmp_path / "model.gguf")
        assert not (tmp_path / "model.gguf").exists()

    def test_other_kinds_are_named_with_the_remedy(self, tmp_path: Path) -> None:
        merged = _write(tmp_path / "merged", _of(GemmaForCausalLM, GemmaConfig))
        with pytest.raises(ExportUnsupported, match="convert_hf_to_gguf"):
            export_gguf(merged, tmp_path / "model.gguf")
