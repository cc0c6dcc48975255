import pytest

from twin_trainer.evaluation.material import Sample
from twin_trainer.evaluation.report import FigureName, Report, Role
from twin_trainer.evaluation.suite import EvaluationInput, NothingToMeasure, evaluate
from twin_trainer.testing.language_models import FakeLanguageModel, opened

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
