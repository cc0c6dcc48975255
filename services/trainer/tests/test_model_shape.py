"""Presets against the real shapes of the families, without their weights."""

from functools import cache
from typing import Any

import pytest
from transformers import AutoConfig, PreTrainedConfig

from services.trainer.tests.families import CONFIGURATIONS, PRESETS, PUBLISHED_BILLIONS
from twin_trainer import estimate
from twin_trainer.config import Lora, Method, TrainingConfiguration, preset, preset_names
from twin_trainer.estimate import memory_bytes
from twin_trainer.model_shape import ModelShape, UnfitConfiguration, model_shape


def _config(model: str) -> PreTrainedConfig:
    fields: dict[str, Any] = dict(CONFIGURATIONS[model])
    return AutoConfig.for_model(fields.pop("model_type"), **fields)


@cache
def _shape(model: str) -> ModelShape:
    """With the adapter that every preset has; building one takes a second or two."""
    return model_shape(TrainingConfiguration(), _config(model))


class TestFamilies:
    """Any of them can be given an adapter on all its linear layers."""

    @pytest.mark.parametrize("model", CONFIGURATIONS)
    def test_counts_are_the_published_ones(self, model: str) -> None:
        shape = _shape(model)
        assert shape.parameters / 1e9 == pytest.approx(PUBLISHED_BILLIONS[model], rel=2e-3)

    @pytest.mark.parametrize("model", CONFIGURATIONS)
    def test_an_adapter_is_a_small_share_and_leaves_the_output_layer(self, model: str) -> None:
        fields = CONFIGURATIONS[model]
        shape = _shape(model)
        head = fields.get("head_dim", fields["hidden_size"] // fields["num_attention_heads"])
        hidden, inner = fields["hidden_size"], fields["intermediate_size"]
        queries, keys = head * fields["num_attention_heads"], head * fields["num_key_value_heads"]
        a_layer = 2 * (hidden + queries) + 2 * (hidden + keys) + 3 * (hidden + inner)
        assert shape.trainable == 16 * a_layer * fields["num_hidden_layers"]

    def test_a_full_training_changes_all(self) -> None:
        shape = model_shape(TrainingConfiguration(method=Method.FULL), _config("SmolLM2-135M"))
        assert shape.trainable == shape.parameters


class TestUnfit:
    """What does not suit the model is named before its weights are fetched."""

    def test_samples_longer_than_it_reads(self) -> None:
        with pytest.raises(UnfitConfiguration, match="8192"):
            model_shape(TrainingConfiguration(max_length=8193), _config("Gemma-2-9b"))

    def test_modules_that_it_has_not(self) -> None:
        configuration = TrainingConfiguration(lora=Lora(target_modules=("c_attn",)))
        with pytest.raises(UnfitConfiguration, match="c_attn"):
            model_shape(configuration, _config("Mistral-7B-v0.3"))


class TestPresets:
    """Each fits the device that it says it fits."""

    def test_all_are_tested(self) -> None:
        assert preset_names() == list(PRESETS)

    @pytest.mark.parametrize("name", PRESETS)
    def test_fits(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        configuration, (model, gigabytes) = preset(name), PRESETS[name]
        assert configuration.base_model.lower().split("/")[-1].startswith(model.lower())
        monkeypatch.setattr(estimate, "computes_in_bf16", lambda _: name != "135m")
        assert configuration.lora == TrainingConfiguration().lora
        devices = 4 if configuration.sharding == "fsdp" else 1
        needed = memory_bytes(configuration, _shape(model), devices)
        assert needed < gigabytes * 1e9

    def test_steps_see_enough_samples(self) -> None:
        for name in preset_names():
            configuration = preset(name)
            assert configuration.micro_batch * configuration.accumulation >= 4


class TestMemory:
    """Less of each costs less."""

    @pytest.mark.parametrize(
        "change",
        [
            {"micro_batch": 1},
            {"max_length": 256},
            {"gradient_checkpointing": True},
            {"method": Method.LORA},
        ],
    )
    def test_falls(self, change: dict[str, Any]) -> None:
        full = TrainingConfiguration(method=Method.FULL)
        less = full.model_copy(update=change)
        config = _config("SmolLM2-135M")
        assert memory_bytes(less, model_shape(less, config), 1) < memory_bytes(
            full, model_shape(full, config), 1
        )
