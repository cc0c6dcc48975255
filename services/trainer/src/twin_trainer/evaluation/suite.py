"""The whole evaluation: every model is observed in turn, then everything is measured."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as package_version

from twin_common.clock import Clock, utc_now
from twin_common.errors import TwinError
from twin_trainer.evaluation.bootstrap import BootstrapPolicy, Measure, interval
from twin_trainer.evaluation.control import CONTROL_LANGUAGE
from twin_trainer.evaluation.judge import Judge, Judged
from twin_trainer.evaluation.material import Canary, Question, Sample, main_language
from twin_trainer.evaluation.measures import Yardsticks, differences, of_judgements, of_model
from twin_trainer.evaluation.models import Likelihood, OpenModel
from twin_trainer.evaluation.observation import Material, Observation, observe, seconds_a_token
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.report import (
    Comparison,
    Example,
    FigureName,
    Interval,
    ModelFigures,
    Report,
    Role,
)
from twin_trainer.evaluation.style.perplexity import author_specific_gain, by_document
from twin_trainer.evaluation.style.words import function_words

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is of it."""
_FEW_DOCUMENTS = 10
_LEAST_AUC = 0.7


class NothingToMeasure(TwinError):
    """There is no held-out text, or no model to compare with."""


@dataclass(frozen=True)
class EvaluationInput:
    """What is measured against what."""

    author_id: str
    dataset_id: str
    models: Mapping[Role, OpenModel]
    """The base and what was made of it, and the model in production where there is one."""
    candidate: Role
    training: Sequence[Sample]
    held_out: Sequence[Sample]
    questions: Sequence[Question] = ()
    """About the author's texts; some about the control text are always asked."""
    canaries: Sequence[Canary] = ()
    """Secrets planted in the training text; what looks like one there is found besides."""
    judge: Judge | None = None
    policy: EvaluationPolicy = field(default_factory=EvaluationPolicy)


def evaluate(
    given: EvaluationInput,
    progress: Progress = lambda *_: None,
    clock: Clock = utc_now,
    timer: Callable[[], float] = time.monotonic,
) -> Report:
    """Measure every model in the same way, one at a time in memory, in about the time that the policy allows.

    Raises:
        NothingToMeasure: no training or held-out sample, or no base, or no candidate among the models.
    """
    started = timer()
    _check(given)
    policy, material = given.policy, _material(given, given.policy)
    observations: dict[Role, Observation] = {}
    for done, (role, open_model) in enumerate(given.models.items()):
        progress(f"measuring {role}", done, len(given.models))
        with open_model() as model:
            if not observations:  # all are of a size, and all are shown the same
                prompts = [sample.prompt for sample in material.held_out]
                policy = policy.fitting(seconds_a_token(model, prompts, timer), len(given.models))
                material = _material(given, policy)
            observations[role] = observe(role, model, material, policy)
    progress("comparing", len(given.models), len(given.models))
    language = main_language(given.training)
    base = observations[Role.BASE]
    yardsticks = Yardsticks.fit(
        given.training, _others(base.contrast_texts, material, language), language, policy
    )
    measures = {role: of_model(yardsticks, found, material) for role, found in observations.items()}
    if given.judge is not None:
        for role, found in observations.items():
            progress(f"judging {role}", 0, 1)
            measures[role] |= _judged(given.judge, found, material, policy.judged)
    gains = {
        role: author_specific_gain(_likelihoods(base, material), _likelihoods(found, material))
        for role, found in observations.items()
        if role is not Role.BASE
    }
    author = yardsticks.of_texts(yardsticks.author_texts(material), material)
    author[FigureName.VERIFIER_AUC] = yardsticks.verifier_auc(
        material, _others(base.texts, material, language)
    )
    author_figures = _intervals(author, policy.bootstrap)
    return Report(
        author_id=given.author_id,
        dataset_id=given.dataset_id,
        created_at=clock(),
        candidate=given.candidate,
        incumbent=Role.PRODUCTION if Role.PRODUCTION in given.models else Role.BASE,
        language=language,
        documents=len(set(material.documents)),
        passages=len(material.documents),
        confidence=policy.bootstrap.confidence,
        models=tuple(
            ModelFigures(
                role=role,
                name=found.name,
                figures=_intervals(
                    measures[role]
                    | ({FigureName.AUTHOR_SPECIFIC_GAIN: gains[role]} if role in gains else {}),
                    policy.bootstrap,
                ),
                examples=_examples(found, material, policy.examples),
            )
            for role, found in observations.items()
        ),
        author=author_figures,
        comparisons=tuple(
            Comparison(
                other=role,
                differences=_intervals(
                    differences(measures[given.candidate], measures[role]), policy.bootstrap
                ),
            )
            for role in observations
            if role is not given.candidate
        ),
        warnings=(*_left_out(given.policy, policy), *_warnings(material, language, author_figures)),
        seconds=round(timer() - started, 1),
        code_version=package_version("twin-trainer"),
    )


def _material(given: EvaluationInput, policy: EvaluationPolicy) -> Material:
    return Material.of(given.training, given.held_out, given.questions, given.canaries, policy)


def _left_out(wanted: EvaluationPolicy, measured: EvaluationPolicy) -> tuple[str, ...]:
    if wanted == measured:
        return ()
    return (
        f"Models write slowly here: at most {measured.passages} passages of {wanted.passages} are measured, "
        f"and as few of the rest, to take about {wanted.seconds / 60:,.0f} minutes; more time would give "
        "narrower intervals.",
    )


def _check(given: EvaluationInput) -> None:
    if not given.held_out or not given.training:
        raise NothingToMeasure(
            f"{given.dataset_id} has {len(given.training)} training and {len(given.held_out)} held-out "
            "samples, and both are needed: publish or import more documents and build the dataset again"
        )
    missing = [role for role in (Role.BASE, given.candidate) if role not in given.models]
    if missing or given.candidate is Role.BASE:
        raise NothingToMeasure(
            "an evaluation compares a trained model with its base; not given: "
            + (", ".join(missing) or "a candidate")
        )


def _others(written: Sequence[str], material: Material, language: str) -> list[str]:
    """Who is not the author: the base, and the control, unless its language alone would give it away."""
    texts = [text for text in written if text.strip()]
    is_told_by_language = texts and not language.lower().startswith(CONTROL_LANGUAGE)
    return texts if is_told_by_language else [*material.controls, *texts]


def _likelihoods(found: Observation, material: Material) -> tuple[list[Likelihood], list[Likelihood]]:
    return by_document(found.likelihoods, material.documents), list(found.control_likelihoods)


def _judged(judge: Judge, found: Observation, material: Material, most: int) -> dict[FigureName, Measure]:
    judgements = judge.judge(
        [
            Judged(sample.prompt, sample.answer, text)
            for sample, text in zip(material.held_out[:most], found.texts, strict=False)
        ]
    )
    return dict(of_judgements(judgements, material.documents[:most]))


def _examples(found: Observation, material: Material, count: int) -> tuple[Example, ...]:
    pairs = list(zip(material.held_out, found.texts, strict=True))[:count]
    return tuple(Example(prompt=sample.prompt, author=sample.answer, model=text) for sample, text in pairs)


def _intervals(measures: Mapping[FigureName, Measure], policy: BootstrapPolicy) -> dict[FigureName, Interval]:
    found = {name: interval(measure, policy) for name, measure in measures.items()}
    return {name: one for name, one in found.items() if one is not None}


def _warnings(material: Material, language: str, author: Mapping[FigureName, Interval]) -> tuple[str, ...]:
    warnings = []
    documents = len(set(material.documents))
    if documents < _FEW_DOCUMENTS:
        warnings.append(
            f"Only {documents} documents are held out: intervals over so few are rough and rather too narrow."
        )
    auc = author.get(FigureName.VERIFIER_AUC)
    if auc is None or not auc.estimate >= _LEAST_AUC:
        warnings.append(
            "The verifier hardly tells the author from others here, so its probabilities mean little."
        )
    if not function_words(language):
        warnings.append(
            f"No function words are listed for {language}: words that stand in most texts are used."
        )
    if all(sample.is_prose is False for sample in material.held_out):
        warnings.append("All held-out text is code, which says little about how somebody writes.")
    return tuple(warnings)
