"""What one model writes and finds likely: all that needs the model itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twin_trainer.evaluation.accuracy import question_prompt
from twin_trainer.evaluation.control import control_paragraphs, control_questions
from twin_trainer.evaluation.material import Canary, Question, Sample, prose, spread
from twin_trainer.evaluation.memorisation import Extraction, canary_variants, extractions, find_canaries
from twin_trainer.evaluation.models import LanguageModel, Likelihood
from twin_trainer.evaluation.policy import EXTRACTION_TOKENS, EvaluationPolicy
from twin_trainer.evaluation.regressions import general_questions
from twin_trainer.evaluation.report import Role

_TRIED, _TRIED_TOKENS = 4, 16
"""What is written to learn how fast a model is: too little to take long, enough to tell."""

Likelihoods = tuple[Likelihood, ...]


@dataclass(frozen=True)
class Material:
    """What every model of a report is shown, the same to each."""

    held_out: tuple[Sample, ...]
    controls: tuple[str, ...]
    contrast_prompts: tuple[str, ...]
    """Training instructions, for the base alone."""
    questions: tuple[Question, ...]
    extractions: tuple[Extraction, ...]
    canaries: tuple[tuple[str, ...], ...]
    """Each with its variants."""

    @classmethod
    def of(
        cls,
        training: Sequence[Sample],
        held_out: Sequence[Sample],
        questions: Sequence[Question],
        canaries: Sequence[Canary],
        policy: EvaluationPolicy,
    ) -> "Material":
        """As much of everything as the policy allows."""
        texts = [sample.answer for sample in training]
        planted = [*canaries, *find_canaries(texts, policy.canaries)][: policy.canaries]
        return cls(
            held_out=tuple(spread(prose(held_out), policy.passages)),
            controls=control_paragraphs(),
            contrast_prompts=tuple(
                sample.prompt for sample in spread(prose(training), policy.contrast_passages)
            ),
            questions=(*questions[: policy.questions], *control_questions()),
            extractions=tuple(extractions(texts, policy.words_of_beginning, policy.extractions)),
            canaries=tuple(tuple(canary_variants(one, policy.canary_alternatives)) for one in planted),
        )

    @property
    def documents(self) -> list[str]:
        """Of which document each held-out sample is."""
        return [sample.document_id for sample in self.held_out]


@dataclass(frozen=True)
class Observation:
    """In the order of the material."""

    role: Role
    name: str
    texts: tuple[str, ...]
    """Answers to the held-out instructions."""
    contrast_texts: tuple[str, ...]
    """Answers to training instructions; of the base alone."""
    answers: tuple[str, ...]
    """To the questions."""
    continuations: tuple[str, ...]
    """Of the beginnings of training texts."""
    likelihoods: Likelihoods
    """Of the author's held-out texts."""
    control_likelihoods: Likelihoods
    general_likelihoods: tuple[Likelihoods, ...]
    """Of each general question, those of its options."""
    canary_likelihoods: tuple[Likelihoods, ...]
    """Of each canary, those of its variants."""


def seconds_a_token(model: LanguageModel, prompts: Sequence[str], clock: Callable[[], float]) -> float:
    """How long a model takes to write a token, when it answers a few prompts at a time."""
    began = clock()
    model.generate(prompts[:_TRIED], _TRIED_TOKENS)
    return (clock() - began) / max(len(prompts[:_TRIED]) * _TRIED_TOKENS, 1)


def observe(role: Role, model: LanguageModel, material: Material, policy: EvaluationPolicy) -> Observation:
    """Ask the model everything."""
    contrast = material.contrast_prompts if role is Role.BASE else ()
    prompts = [sample.prompt for sample in material.held_out]
    written = model.generate([*prompts, *contrast], policy.tokens_per_passage)
    answers = model.generate(list(map(question_prompt, material.questions)), policy.tokens_per_question)
    beginnings = [one.beginning for one in material.extractions]
    return Observation(
        role=role,
        name=model.name,
        texts=tuple(written[: len(prompts)]),
        contrast_texts=tuple(written[len(prompts) :]),
        answers=tuple(answers),
        continuations=tuple(model.continue_texts(beginnings, EXTRACTION_TOKENS)),
        likelihoods=tuple(model.negative_log_likelihoods([sample.answer for sample in material.held_out])),
        control_likelihoods=tuple(model.negative_log_likelihoods(material.controls)),
        general_likelihoods=_grouped(model, [question.texts for question in general_questions()]),
        canary_likelihoods=_grouped(model, material.canaries),
    )


def _grouped(model: LanguageModel, groups: Sequence[Sequence[str]]) -> tuple[Likelihoods, ...]:
    """All texts at once, since a model reads many faster than one after the other."""
    found = iter(model.negative_log_likelihoods([text for group in groups for text in group]))
    return tuple(tuple(next(found) for _ in group) for group in groups)
