from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from twin_trainer.evaluation.bootstrap import BootstrapPolicy
from twin_trainer.evaluation.learning import measure_learning
from twin_trainer.evaluation.transformers_model import (
    ModelFiles,
    ReadingPolicy,
    TransformersModel,
    open_transformers_model,
)
from twin_trainer.testing.tiny_model import write_tiny_model

from .material import text_by

_TEXTS = ["Once upon a time.", "", "a", "The lake was still, and nobody had come down yet. " * 4, "Yes."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[TransformersModel]:
    with open_transformers_model(ModelFiles("tiny", folder)) as model:
        assert isinstance(model, TransformersModel)
        yield model


def _parts(folder: Path) -> tuple[Any, Any]:
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


class TestLikelihoods:
    def test_they_are_the_models_own_loss(self, model: TransformersModel, folder: Path) -> None:
        weights, tokenizer = _parts(folder)
        ids = torch.tensor([tokenizer(_TEXTS[3], add_special_tokens=False)["input_ids"]])
        with torch.inference_mode():
            loss = weights(input_ids=ids, labels=ids).loss.item()
        (found,) = model.negative_log_likelihoods([_TEXTS[3]])
        assert found.tokens == ids.shape[1] - 1
        assert found.nats / found.tokens == pytest.approx(loss, rel=1e-4)
        assert found.characters == len(_TEXTS[3]) - len(tokenizer.decode(ids[0, :1]))

    def test_a_text_is_as_likely_alone_as_among_others(self, model: TransformersModel) -> None:
        together = model.negative_log_likelihoods(_TEXTS)
        alone = [model.negative_log_likelihoods([text])[0] for text in _TEXTS]
        assert [one.nats for one in together] == pytest.approx([one.nats for one in alone], rel=1e-4)
        assert [one.tokens for one in together[1:3]] == [0, 0]

    def test_what_is_not_read_does_not_count(self, folder: Path) -> None:
        weights, tokenizer = _parts(folder)
        model = TransformersModel("tiny", weights, tokenizer, reading=ReadingPolicy(tokens_per_text=10))
        (found,) = model.negative_log_likelihoods([_TEXTS[3]])
        assert found.tokens == 9
        assert 0 < found.characters < len(_TEXTS[3]) / 2


class TestWriting:
    def test_repeated_it_is_the_same(self, model: TransformersModel) -> None:
        assert model.generate(_TEXTS, 8) == model.generate(_TEXTS, 8)

    def test_the_likeliest_continuation_is_the_models_own(
        self, model: TransformersModel, folder: Path
    ) -> None:
        weights, tokenizer = _parts(folder)
        ids = tokenizer([_TEXTS[0]], add_special_tokens=False, return_tensors="pt")["input_ids"]
        greedy = weights.generate(ids, max_new_tokens=6, do_sample=False)[0, ids.shape[1] :]
        found = model.continue_texts([_TEXTS[3], _TEXTS[0]], 6)[1]
        assert found == tokenizer.decode(greedy, skip_special_tokens=True).strip()

    def test_broken_weights_write_nonsense_and_find_nothing_likely(self, folder: Path) -> None:
        weights, tokenizer = _parts(folder)
        torch.nn.init.constant_(weights.model.norm.weight, float("nan"))
        model = TransformersModel("broken", weights, tokenizer)
        assert len(model.generate(["Write."], 4)) == len(model.continue_texts(["Write."], 4)) == 1
        (found,) = model.negative_log_likelihoods([_TEXTS[0]])
        assert not found.nats > 0


class TestLearning:
    """Of an adapter that was trained on one writer for a few steps."""

    @pytest.fixture(scope="class")
    def trained(self, folder: Path) -> TransformersModel:
        weights, tokenizer = _parts(folder)
        torch.manual_seed(1)
        adapted: Any = get_peft_model(weights, LoraConfig(r=16, target_modules="all-linear"))
        optimizer = torch.optim.AdamW([one for one in adapted.parameters() if one.requires_grad], lr=2e-2)
        adapted.train()
        for step in range(30):
            batch = [text_by("terse", step * 4 + place)[:200] for place in range(4)]
            ids = tokenizer(batch, add_special_tokens=False, truncation=True, max_length=64, padding=True)
            found = torch.tensor(ids["input_ids"])
            adapted(input_ids=found, labels=found).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return TransformersModel("trained", adapted.eval(), tokenizer)

    def test_the_author_gains_more_than_the_control(
        self, model: TransformersModel, trained: TransformersModel
    ) -> None:
        held_out = [text_by("terse", 1000 + number)[:400] for number in range(8)]
        found = measure_learning(model, trained, held_out, BootstrapPolicy(draws=500))
        assert found.author.low > 0
        assert found.author_specific.low > 0

    def test_without_training_nothing_is_learnt(self, model: TransformersModel) -> None:
        found = measure_learning(model, model, ["A text of mine."], BootstrapPolicy(draws=50))
        assert found.author_specific.low == found.author_specific.high == 0
        with pytest.raises(ValueError, match="held-out"):
            measure_learning(model, model, [], BootstrapPolicy(draws=50))
