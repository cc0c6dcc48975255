"""What one model writes and finds likely: all that needs the model itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin_trainer.evaluation.material import Sample
from twin_trainer.evaluation.models import LanguageModel, Likelihood
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.report import Role


@dataclass(frozen=True)
class Material:
    """What every model of a report is shown, the same to each."""

    held_out: tuple[Sample, ...]
    controls: tuple[str, ...]
    """Paragraphs that have nothing to do with the author."""


@dataclass(frozen=True)
class Observation:
    """In the order of the material."""

    role: Role
    name: str
    texts: tuple[str, ...]
    """Answers to the held-out instructions."""
    likelihoods: tuple[Likelihood, ...]
    """Of the author's held-out texts."""
    control_likelihoods: tuple[Likelihood, ...]


def observe(role: Role, model: LanguageModel, material: Material, policy: EvaluationPolicy) -> Observation:
    """Ask the model everything."""
    prompts: Sequence[str] = [sample.prompt for sample in material.held_out]
    return Observation(
        role=role,
        name=model.name,
        texts=tuple(model.generate(prompts, policy.tokens_per_passage)),
        likelihoods=tuple(model.negative_log_likelihoods([sample.answer for sample in material.held_out])),
        control_likelihoods=tuple(model.negative_log_likelihoods(material.controls)),
    )
