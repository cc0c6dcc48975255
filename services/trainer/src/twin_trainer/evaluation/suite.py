"""The whole evaluation: every model is observed in turn, then everything is measured."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as package_version

from twin_common.clock import Clock, utc_now
from twin_common.errors import TwinError
from twin_trainer.evaluation.bootstrap import Measure, interval
from twin_trainer.evaluation.control import control_paragraphs
from twin_trainer.evaluation.material import Canary, Question, Sample, spread
from twin_trainer.evaluation.models import Likelihood, OpenModel
from twin_trainer.evaluation.observation import Material, Observation, observe
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.report import Comparison, FigureName, Interval, ModelFigures, Report, Role
from twin_trainer.evaluation.style.perplexity import (
    author_specific_gain,
    bits_per_character,
    by_unit,
    perplexity,
)


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
    language: str = "en"
    """Tag of the author's main language."""
    questions: Sequence[Question] = ()
    """About the author's texts; some about the control text are always asked."""
    canaries: Sequence[Canary] = ()
    """Secrets planted in the training text; what looks like one there is found besides."""
    policy: EvaluationPolicy = field(default_factory=EvaluationPolicy)


def evaluate(
    given: EvaluationInput,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    clock: Clock = utc_now,
) -> Report:
    """Measure every model in the same way, one at a time in memory.

    Args:
        progress: told what is being done, how many models are done and how many there are.

    Raises:
        NothingToMeasure: no held-out sample, or no base, or no candidate among the models.
    """
    started = time.monotonic()
    _check(given)
    policy = given.policy
    material = Material(tuple(spread(given.held_out, policy.passages)), control_paragraphs())
    observations: dict[Role, Observation] = {}
    for done, (role, open_model) in enumerate(given.models.items()):
        progress(f"measuring {role}", done, len(given.models))
        with open_model() as model:
            observations[role] = observe(role, model, material, policy)
    progress("comparing", len(given.models), len(given.models))
    measures = {role: _measures(found, material) for role, found in observations.items()}
    documents = [sample.document_id for sample in material.held_out]
    return Report(
        author_id=given.author_id,
        dataset_id=given.dataset_id,
        created_at=clock(),
        candidate=given.candidate,
        incumbent=Role.PRODUCTION if Role.PRODUCTION in given.models else Role.BASE,
        language=given.language,
        documents=len(set(documents)),
        passages=len(documents),
        confidence=policy.bootstrap.confidence,
        models=tuple(
            ModelFigures(role=role, name=found.name, figures=_intervals(measures[role], policy))
            for role, found in observations.items()
        ),
        author={},
        comparisons=tuple(
            Comparison(
                other=role,
                differences=_intervals(
                    _differences(measures[given.candidate], measures[role])
                    | {
                        FigureName.AUTHOR_SPECIFIC_GAIN: author_specific_gain(
                            _likelihoods(found, documents),
                            _likelihoods(observations[given.candidate], documents),
                        )
                    },
                    policy,
                ),
            )
            for role, found in observations.items()
            if role is not given.candidate
        ),
        seconds=time.monotonic() - started,
        code_version=package_version("twin-trainer"),
    )


def _check(given: EvaluationInput) -> None:
    if not given.held_out:
        raise NothingToMeasure(
            f"{given.dataset_id} holds no text out, so nothing can be measured: "
            "publish or import more documents and build the dataset again"
        )
    missing = [role for role in (Role.BASE, given.candidate) if role not in given.models]
    if missing or given.candidate is Role.BASE:
        raise NothingToMeasure(
            "an evaluation compares a trained model with its base; not given: "
            + (", ".join(missing) or "a candidate")
        )


def _likelihoods(found: Observation, documents: Sequence[str]) -> tuple[list[Likelihood], list[Likelihood]]:
    return by_unit(found.likelihoods, documents), list(found.control_likelihoods)


def _measures(found: Observation, material: Material) -> dict[FigureName, Measure]:
    author, control = _likelihoods(found, [sample.document_id for sample in material.held_out])
    return {
        FigureName.PERPLEXITY: perplexity(author),
        FigureName.CONTROL_PERPLEXITY: perplexity(control),
        FigureName.BITS_PER_CHARACTER: bits_per_character(author),
    }


def _differences(
    candidate: Mapping[FigureName, Measure], other: Mapping[FigureName, Measure]
) -> dict[FigureName, Measure]:
    return {name: measure.minus(other[name]) for name, measure in candidate.items() if name in other}


def _intervals(
    measures: Mapping[FigureName, Measure], policy: EvaluationPolicy
) -> dict[FigureName, Interval]:
    found = {name: interval(measure, policy.bootstrap) for name, measure in measures.items()}
    return {name: one for name, one in found.items() if one is not None}
