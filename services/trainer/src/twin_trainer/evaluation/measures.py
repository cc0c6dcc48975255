"""Everything that is measured of what a model wrote, and of what the author did. Nothing here does I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin_trainer.evaluation.accuracy import evidence_recall
from twin_trainer.evaluation.bootstrap import Floats, Measure, ratio
from twin_trainer.evaluation.judge import Judgement
from twin_trainer.evaluation.material import Sample, prose
from twin_trainer.evaluation.memorisation import (
    TrainingText,
    canary_exposure,
    copied_share,
    extracted_share,
    longest_copied_words,
    novelty,
)
from twin_trainer.evaluation.observation import Material, Observation
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.regressions import (
    clipped,
    empty,
    general_accuracy,
    length_ratio,
    offensive_words,
    refusals,
    repetition,
)
from twin_trainer.evaluation.report import FigureName
from twin_trainer.evaluation.style.authorship import AuthorshipVerifier
from twin_trainer.evaluation.style.delta import AuthorDelta
from twin_trainer.evaluation.style.perplexity import bits_per_character, by_document, perplexity
from twin_trainer.evaluation.style.profiles import Profile, function_word_profile, punctuation_profile

Measures = Mapping[FigureName, Measure]
_WORDS_PER_TOKEN = 0.75
"""Of English prose, so that the author's texts are given the room that the models' had."""


@dataclass(frozen=True)
class Yardsticks:
    """What is known of an author, and of those who are not the author, before a model is measured."""

    delta: AuthorDelta
    verifier: AuthorshipVerifier
    function_words: Profile
    punctuation: Profile
    training: TrainingText
    room: int
    """Words that a text may have."""

    @classmethod
    def fit(
        cls, training: Sequence[Sample], contrast: Sequence[str], language: str, policy: EvaluationPolicy
    ) -> "Yardsticks":
        """From the author's training text, and from what others and the base wrote."""
        room = round(policy.tokens_per_passage * _WORDS_PER_TOKEN)
        author = [sample.answer for sample in prose(training)]
        others = [text for text in contrast if text.strip()]
        return cls(
            delta=AuthorDelta.fit(author, others, language),
            # A classifier that saw long texts of one and short ones of the other would learn the length.
            verifier=AuthorshipVerifier.fit([clipped(text, room) for text in author], others, language),
            function_words=function_word_profile(author, language),
            punctuation=punctuation_profile(author),
            training=TrainingText.of([sample.answer for sample in training]),
            room=room,
        )

    def author_texts(self, material: Material) -> list[str]:
        """The author's held-out texts, as long as a model's may be."""
        return [clipped(sample.answer, self.room) for sample in material.held_out]

    def of_texts(self, texts: Sequence[str], material: Material) -> dict[FigureName, Measure]:
        """Of what anybody wrote for the held-out instructions."""
        documents = material.documents
        joined = _joined(texts, documents)
        return {
            FigureName.DELTA: self.delta.measure(joined),
            FigureName.AUTHORSHIP: _mean(self.verifier.probabilities(texts), documents),
            FigureName.FUNCTION_WORD_DISTANCE: self.function_words.measure(joined),
            FigureName.PUNCTUATION_DISTANCE: self.punctuation.measure(joined),
            FigureName.LONGEST_COPIED_WORDS: longest_copied_words(self.training, joined),
            FigureName.COPIED_SHARE: copied_share(self.training, joined),
            FigureName.NOVELTY: novelty(self.training, joined),
            FigureName.REPETITION: repetition(joined),
            FigureName.REFUSALS: _mean(refusals(texts), documents),
            FigureName.OFFENSIVE_WORDS: offensive_words(joined),
            FigureName.LENGTH_RATIO: length_ratio(joined, _joined(self.author_texts(material), documents)),
            FigureName.EMPTY_SHARE: _mean(empty(texts), documents),
        }

    def verifier_auc(self, material: Material, others: Sequence[str]) -> Measure:
        """Of all pairs of an author's and another's text, the share in which the author's is likelier."""
        mine = self.verifier.probabilities(self.author_texts(material))
        theirs = self.verifier.probabilities(others)
        wins = (mine[:, None] > theirs) + (mine[:, None] == theirs) / 2
        blocks = (len(mine), len(theirs))

        def statistic(weights: Floats) -> Floats:
            left, right = weights[:, : len(mine)], weights[:, len(mine) :]
            found: Floats = np.einsum("di,ij,dj->d", left, wins, right) / (left.sum(1) * right.sum(1))
            return found

        return Measure(blocks, statistic)


def of_model(yardsticks: Yardsticks, found: Observation, material: Material) -> dict[FigureName, Measure]:
    """Of one model."""
    author = by_document(found.likelihoods, material.documents)
    return {
        FigureName.PERPLEXITY: perplexity(author),
        FigureName.CONTROL_PERPLEXITY: perplexity(found.control_likelihoods),
        FigureName.BITS_PER_CHARACTER: bits_per_character(author),
        **yardsticks.of_texts(found.texts, material),
        FigureName.EVIDENCE_RECALL: evidence_recall(material.questions, found.answers),
        FigureName.EXTRACTED_SHARE: extracted_share(material.extractions, found.continuations),
        FigureName.CANARY_EXPOSURE: canary_exposure(found.canary_likelihoods),
        FigureName.GENERAL_ACCURACY: general_accuracy(found.general_likelihoods),
    }


def of_judgements(judgements: Sequence[Judgement | None], documents: Sequence[str]) -> Measures:
    """What a judge thought of a model's texts; texts without a judgement are left out."""
    judged = [(one, document) for one, document in zip(judgements, documents, strict=True) if one]
    of_documents = [document for _, document in judged]
    return {
        FigureName.JUDGED_ACCURACY: _mean([float(one.accuracy) for one, _ in judged], of_documents),
        FigureName.JUDGED_STYLE: _mean([float(one.style) for one, _ in judged], of_documents),
    }


def differences(one: Measures, other: Measures) -> dict[FigureName, Measure]:
    """One model minus another in all that was measured of both over the same units."""
    return {
        name: measure.minus(other[name])
        for name, measure in one.items()
        if name in other and other[name].blocks == measure.blocks
    }


def _joined(texts: Sequence[str], documents: Sequence[str]) -> list[str]:
    joined: dict[str, list[str]] = {}
    for document, text in zip(documents, texts, strict=True):
        joined.setdefault(document, []).append(text)
    return ["\n\n".join(of_document) for of_document in joined.values()]


def _mean(values: Sequence[float] | Floats, documents: Sequence[str]) -> Measure:
    """The mean over texts, drawn by document."""
    sums: dict[str, tuple[float, int]] = {}
    for document, value in zip(documents, values, strict=True):
        total, count = sums.get(document, (0.0, 0))
        sums[document] = total + float(value), count + 1
    return ratio([total for total, _ in sums.values()], [float(count) for _, count in sums.values()])
