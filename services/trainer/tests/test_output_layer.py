"""The quicker way through the output layer says what TRL says, to the last token."""

from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM
from trl.trainer.utils import FusedCausalLMOutput, add_fused_lm_head

from twin_trainer.adapters import adapter_configuration
from twin_trainer.config import TrainingConfiguration
from twin_trainer.output_layer import score_answers_once
from twin_trainer.testing.tiny_model import write_tiny_model

_FIELDS = ("log_probs", "entropy", "mean_logits", "is_top1")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("base"))


class _Model:
    """A tiny model with an adapter, prepared by TRL, and where told by us."""

    def __init__(self, base: Path, is_quick: bool, **config: object) -> None:
        torch.manual_seed(0)
        loaded = AutoModelForCausalLM.from_pretrained(base)
        for name, value in config.items():
            setattr(loaded.config, name, value)
        self.model = get_peft_model(loaded, adapter_configuration(TrainingConfiguration()))
        for name, weight in self.model.named_parameters():
            if "lora_B" in name:  # zero at first, so that nothing would flow into the other half
                torch.nn.init.normal_(weight, std=0.1)
        add_fused_lm_head(self.model.get_base_model(), outputs=_FIELDS)
        self.prepared = self.model.get_base_model().forward
        if is_quick:
            score_answers_once(self.model)

    def scores(self, tokens: torch.Tensor, labels: torch.Tensor) -> FusedCausalLMOutput:
        return self.model(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            labels=labels,
            fused_lm_head=True,
            use_cache=False,
        )

    def gradients(self) -> dict[str, torch.Tensor]:
        return {
            name: weight.grad for name, weight in self.model.named_parameters() if weight.grad is not None
        }


def _batch(samples: int, length: int, answer_from: int) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.randint(3, 300, (samples, length), generator=torch.Generator().manual_seed(1))
    labels = tokens.clone()
    labels[:, :answer_from] = -100
    labels[0, -3:] = -100  # padding
    return tokens, labels


class TestScores:
    """Of every token, and the gradients of what is made of them."""

    @pytest.mark.parametrize("length", [12, 200], ids=["one piece", "several pieces"])
    def test_are_those_of_trl(self, base: Path, length: int) -> None:
        tokens, labels = _batch(3, length, 5)
        quick, plain = (_Model(base, is_quick) for is_quick in (True, False))
        found, expected = (model.scores(tokens, labels) for model in (quick, plain))
        for field in (*_FIELDS, "label_mask", "loss"):
            torch.testing.assert_close(found[field], expected[field], atol=1e-5, rtol=1e-5)
        weights = torch.linspace(-1, 1, found.log_probs.numel()).view_as(found.log_probs)
        for output in (found, expected):  # of unequal weight, as preference optimisation has them
            (output.log_probs * weights).sum().backward()
        gradients = plain.gradients()
        assert gradients
        for name, gradient in quick.gradients().items():
            torch.testing.assert_close(gradient, gradients[name], atol=1e-5, rtol=1e-4)

    def test_nothing_to_score_is_no_loss(self, base: Path) -> None:
        tokens, _ = _batch(2, 12, 5)
        output = _Model(base, is_quick=True).scores(tokens, torch.full_like(tokens, -100))
        output.loss.backward()
        assert float(output.loss) == 0.0

    def test_only_answers_are_projected(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tokens, labels = _batch(2, 30, 20)
        projected: list[int] = []
        linear = torch.nn.functional.linear

        def counted(rows: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
            projected.append(len(rows))
            return linear(rows, *more)

        model = _Model(base, is_quick=True)
        monkeypatch.setattr("twin_trainer.output_layer.linear", counted)
        with torch.no_grad():
            model.scores(tokens, labels)
        assert projected == [int((labels != -100).sum())]


class TestLeftAlone:
    """Where a model's logits are more than one product, TRL's own way stays."""

    @pytest.mark.parametrize("field", ["final_logit_softcapping", "logit_scale", "logits_scaling"])
    def test_reshaped_logits(self, base: Path, field: str) -> None:
        model = _Model(base, True, **{field: 30.0})
        assert model.model.get_base_model().forward == model.prepared

    def test_a_head_that_learns(self, base: Path) -> None:
        loaded = AutoModelForCausalLM.from_pretrained(base)
        add_fused_lm_head(loaded)
        prepared = loaded.forward
        score_answers_once(loaded)
        assert loaded.forward == prepared
