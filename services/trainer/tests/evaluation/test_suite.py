from collections.abc import Sequence
from dataclasses import replace

import pytest

from twin_trainer.evaluation.material import Sample
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.report import FigureName, Report, Role
from twin_trainer.evaluation.suite import EvaluationInput, NothingToMeasure, evaluate
from twin_trainer.testing.language_models import FakeLanguageModel, opened

_FEW = 4
_SAMPLES = [
    Sample(f"d{number}", f"Write about {number}.", f"Text number {number} of mine.") for number in range(6)
]


def _model(name: str, author_nats: float) -> FakeLanguageModel:
    return FakeLanguageModel(name, str.upper, lambda text: author_nats if "mine" in text else 3.0)


def _input(**models: FakeLanguageModel) -> EvaluationInput:
    return EvaluationInput(
        author_id="ada",
        dataset_id="ada-1",
        models={Role(role): opened(model) for role, model in models.items()},
        candidate=Role.SFT,
        training=_SAMPLES,
        held_out=_SAMPLES,
    )


def test_a_report_survives_json() -> None:
    report = evaluate(_input(base=_model("base", 4.0), sft=_model("sft", float("nan"))))
    again = Report.model_validate_json(report.model_dump_json())
    assert again.model_dump_json() == report.model_dump_json()
    assert not again.figures_of(Role.SFT)[FigureName.PERPLEXITY].is_finite


def test_a_model_that_learnt_the_author_gains_on_the_author_alone() -> None:
    report = evaluate(_input(base=_model("base", 4.0), sft=_model("sft", 3.5)))
    gain = report.figures_of(Role.SFT)[FigureName.AUTHOR_SPECIFIC_GAIN]
    assert gain.low > 0
    assert report.incumbent is Role.BASE


def test_without_a_base_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(NothingToMeasure, match="base"):
        evaluate(_input(sft=_model("sft", 3.5)))


class _SlowModel(FakeLanguageModel):
    """Writes a token a second, by a clock of its own."""

    seconds = 0.0

    def generate(self, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
        _SlowModel.seconds += len(prompts) * max_new_tokens
        return super().generate(prompts, max_new_tokens)


class TestBudget:
    """An evaluation takes about as long as it may, and says what it left out."""

    @staticmethod
    def _report(seconds: float) -> tuple[Report, float]:
        held_out = [Sample(f"d{number}", f"Write about {number}.", "mine " * 9) for number in range(40)]
        base, sft = (_SlowModel(name, str.upper) for name in ("base", "sft"))
        given = replace(
            _input(base=base, sft=sft), held_out=held_out, policy=EvaluationPolicy(seconds=seconds)
        )
        began = _SlowModel.seconds
        report = evaluate(given, timer=lambda: _SlowModel.seconds)
        return report, _SlowModel.seconds - began

    def test_a_slow_device_measures_less_of_every_model(self) -> None:
        report, taken = self._report(seconds=5_000)
        whole, taken_whole = self._report(seconds=1e9)
        assert _FEW <= report.passages < whole.passages == EvaluationPolicy().passages
        assert taken < taken_whole / 1.5
        assert f"at most {report.passages} passages of {whole.passages}" in report.warnings[0]
        assert not any("slowly" in warning for warning in whole.warnings)

    def test_a_little_is_measured_whatever_it_takes(self) -> None:
        report, _ = self._report(seconds=1.0)
        assert report.passages == _FEW
