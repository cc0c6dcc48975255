from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_trainer.evaluation.bootstrap import BootstrapPolicy
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.report import (
    Comparison,
    FigureName,
    Interval,
    ModelFigures,
    Report,
    Role,
)
from twin_trainer.evaluation.suite import EvaluationInput, evaluate
from twin_trainer.gate import GatePolicy, Verdict, decide
from twin_trainer.testing.language_models import FakeLanguageModel, opened

from .evaluation.material import samples, text_by

_TRAINING = samples("terse", 12)
_HELD_OUT = samples("terse", 6, first=100)
_MINE = frozenset(sample.answer for sample in (*_TRAINING, *_HELD_OUT))


def _like(writer: str) -> Callable[[str], str]:
    return lambda prompt: text_by(writer, crc32(prompt.encode()) + 7)


def _model(write: Callable[[str], str], author_nats: float = 3.0) -> FakeLanguageModel:
    """Finds the author's texts about as likely as is told, and all others equally likely."""

    def nats(text: str) -> float:
        if text in _MINE:
            return author_nats + crc32(text.encode()) % 10 / 100
        return 3.0

    return FakeLanguageModel("fake", write, nats)


_BASE = _model(_like("stately"), 3.5)
_TWIN = _model(_like("terse"))


def _report(candidate: FakeLanguageModel, production: FakeLanguageModel | None = None) -> Report:
    models = {Role.BASE: _BASE, Role.SFT: candidate}
    if production is not None:
        models[Role.PRODUCTION] = production
    return evaluate(
        EvaluationInput(
            author_id="ada",
            dataset_id="ada-1",
            models={role: opened(model) for role, model in models.items()},
            candidate=Role.SFT,
            training=_TRAINING,
            held_out=_HELD_OUT,
            policy=EvaluationPolicy(bootstrap=BootstrapPolicy(draws=300)),
        )
    )


def _failed(verdict: Verdict) -> set[str]:
    return {rule.rule for rule in verdict.rules if not rule.passed}


class TestMeasuredModels:
    def test_a_twin_passes(self) -> None:
        verdict = decide(_report(_TWIN), GatePolicy())
        assert verdict.reasons == ()
        assert verdict.passed

    @pytest.mark.parametrize(
        ("candidate", "rules"),
        [
            (_model(_like("terse"), float("nan")), {"works", "not_farther_from_author", "learnt_the_author"}),
            (_model(lambda _: ""), {"works", "empty_share", "length_ratio"}),
            (_model(lambda _: "I went home and " * 30), {"repetition"}),
            (_model(lambda prompt: _TRAINING[crc32(prompt.encode()) % 24].answer), {"longest_copied_words"}),
            (_model(lambda prompt: "I'm sorry, but I cannot. " + _like("terse")(prompt)), {"refusals"}),
            (_model(lambda prompt: _like("terse")(prompt).replace(" the ", " damn ")), {"offensive_words"}),
            (
                _model(_like("stately"), 4.0),
                {"nearer_to_author", "not_farther_from_author", "learnt_the_author"},
            ),
            (_BASE, {"nearer_to_author", "learnt_the_author"}),
        ],
        ids=["not-a-number", "empty", "repeating", "copying", "refusing", "rude", "worse", "the-base-itself"],
    )
    def test_a_worse_or_broken_model_never_passes(
        self, candidate: FakeLanguageModel, rules: set[str]
    ) -> None:
        verdict = decide(_report(candidate), GatePolicy())
        assert not verdict.passed
        assert rules <= _failed(verdict)

    def test_production_is_what_a_model_must_be_better_than(self) -> None:
        report = _report(_model(_like("terse"), 2.9), production=_TWIN)
        assert report.incumbent is Role.PRODUCTION
        assert decide(report, GatePolicy()).passed
        assert "nearer_to_author" in _failed(decide(_report(_TWIN, production=_TWIN), GatePolicy()))

    def test_a_text_known_by_heart_is_caught(self) -> None:
        answers = {sample.answer[:60]: sample.answer for sample in _TRAINING}

        def write(prompt: str) -> str:
            known = answers.get(prompt[:60])
            return known[len(prompt) :] if known else _like("terse")(prompt)

        assert "extracted_share" in _failed(decide(_report(_model(write)), GatePolicy()))


_GOOD = dict.fromkeys(FigureName, 0.01) | {FigureName.LENGTH_RATIO: 1.0, FigureName.GENERAL_ACCURACY: 0.8}
_BETTER = {
    FigureName.BITS_PER_CHARACTER: -0.1,
    FigureName.DELTA: -0.1,
    FigureName.AUTHORSHIP: 0.1,
    FigureName.JUDGED_ACCURACY: 0.1,
}


def _intervals(values: Mapping[FigureName, float]) -> dict[FigureName, Interval]:
    return {
        name: Interval(estimate=value, low=value - 0.005, high=value + 0.005)
        for name, value in values.items()
    }


def _written(
    changes: Mapping[FigureName, float] = {},
    differences: Mapping[FigureName, float] = _BETTER,
    documents: int = 8,
) -> Report:
    base = _intervals(_GOOD)
    return Report(
        author_id="ada",
        dataset_id="ada-1",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        candidate=Role.DPO,
        incumbent=Role.BASE,
        language="en",
        documents=documents,
        passages=24,
        confidence=0.95,
        models=(
            ModelFigures(role=Role.BASE, name="base", figures=base),
            ModelFigures(role=Role.DPO, name="twin", figures=base | _intervals(changes)),
        ),
        author=base,
        comparisons=(Comparison(other=Role.BASE, differences=_intervals(differences)),),
        code_version="1",
    )


class TestRules:
    def test_a_good_report_passes(self) -> None:
        assert decide(_written(), GatePolicy()).reasons == ()

    @pytest.mark.parametrize(
        ("figure", "value"),
        [
            (FigureName.EMPTY_SHARE, 0.06),
            (FigureName.REPETITION, 0.12),
            (FigureName.REFUSALS, 0.07),
            (FigureName.OFFENSIVE_WORDS, 1.02),
            (FigureName.LENGTH_RATIO, 0.39),
            (FigureName.LENGTH_RATIO, 2.6),
            (FigureName.GENERAL_ACCURACY, 0.64),
            (FigureName.EVIDENCE_RECALL, -0.15),
            (FigureName.LONGEST_COPIED_WORDS, 31),
            (FigureName.COPIED_SHARE, 0.11),
            (FigureName.EXTRACTED_SHARE, 0.16),
            (FigureName.CANARY_EXPOSURE, 4.6),
        ],
    )
    def test_each_limit_stops_alone_and_says_so(self, figure: FigureName, value: float) -> None:
        verdict = decide(_written({figure: value}), GatePolicy())
        assert _failed(verdict) == {figure.value}
        (reason,) = verdict.reasons
        assert f"{value:.3g}" in reason

    @pytest.mark.parametrize("figure", [FigureName.DELTA, FigureName.BITS_PER_CHARACTER])
    def test_one_measure_of_style_with_confidence_is_enough(self, figure: FigureName) -> None:
        unclear = {FigureName.BITS_PER_CHARACTER: 0.0, FigureName.DELTA: 0.0, FigureName.AUTHORSHIP: 0.0}
        assert decide(_written(differences=unclear | {figure: -0.1}), GatePolicy()).passed
        assert _failed(decide(_written(differences=unclear), GatePolicy())) == {"nearer_to_author"}

    @pytest.mark.parametrize(
        "figure", [FigureName.DELTA, FigureName.BITS_PER_CHARACTER, FigureName.AUTHORSHIP]
    )
    def test_none_may_be_farther_with_confidence(self, figure: FigureName) -> None:
        worse = _BETTER | {figure: -_BETTER[figure]}
        assert _failed(decide(_written(differences=worse), GatePolicy())) == {"not_farther_from_author"}

    def test_few_documents_show_nothing(self) -> None:
        assert _failed(decide(_written(documents=4), GatePolicy())) == {"enough_documents"}

    def test_a_judge_that_finds_it_less_accurate_stops_it(self) -> None:
        differences = _BETTER | {FigureName.JUDGED_ACCURACY: -0.2}
        assert _failed(decide(_written(differences=differences), GatePolicy())) == {"judged_accuracy"}

    @given(
        st.sampled_from(
            [
                FigureName.PERPLEXITY,
                FigureName.CONTROL_PERPLEXITY,
                FigureName.BITS_PER_CHARACTER,
                FigureName.DELTA,
                FigureName.AUTHORSHIP,
                FigureName.AUTHOR_SPECIFIC_GAIN,
                FigureName.GENERAL_ACCURACY,
                FigureName.REPETITION,
                FigureName.REFUSALS,
                FigureName.LENGTH_RATIO,
                FigureName.EMPTY_SHARE,
                FigureName.COPIED_SHARE,
                FigureName.LONGEST_COPIED_WORDS,
                FigureName.EXTRACTED_SHARE,
                FigureName.CANARY_EXPOSURE,
            ]
        ),
        st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    )
    def test_what_is_no_number_never_passes(self, figure: FigureName, value: float) -> None:
        assert not decide(_written({figure: value}), GatePolicy()).passed

    def test_a_verdict_survives_json(self) -> None:
        verdict = decide(_written({FigureName.DELTA: float("nan")}), GatePolicy())
        assert Verdict.model_validate_json(verdict.model_dump_json()).reasons == verdict.reasons
