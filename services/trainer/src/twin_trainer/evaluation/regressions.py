"""What a training may break: general knowledge, variety, willingness, manners and length."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from twin_trainer.evaluation.bootstrap import Measure, ratio
from twin_trainer.evaluation.control import packaged_text
from twin_trainer.evaluation.models import Likelihood
from twin_trainer.evaluation.style.words import words_of

_REPEATED_WORDS = 4
_OPENING = 200
"""Characters of a text in which a refusal is looked for."""
_LEAST_WORDS = 3
"""A text of fewer is taken for empty."""


@dataclass(frozen=True)
class GeneralQuestion:
    """A question that anybody can answer, with the right answer first."""

    question: str
    options: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """The question with every option; a model that knows the answer finds the first the likeliest."""
        return [f"Question: {self.question}\nAnswer: {option}" for option in self.options]


@cache
def general_questions() -> tuple[GeneralQuestion, ...]:
    """Thirty questions on what children learn; written for this project, so no model was trained on them."""
    rows = [json.loads(line) for line in packaged_text("general.jsonl").splitlines()]
    return tuple(GeneralQuestion(row["question"], (row["right"], *row["wrong"])) for row in rows)


def general_accuracy(likelihoods: Sequence[Sequence[Likelihood]]) -> Measure:
    """The share of questions whose right answer is likelier than every wrong one; by chance a quarter.

    By likelihood, as in EleutherAI's evaluation harness: a small model that knows may not manage to say it.

    Args:
        likelihoods: of every question, those of its options, the right one first.
    """
    right = [float(all(options[0].nats < other.nats for other in options[1:])) for options in likelihoods]
    return ratio(right, [1.0] * len(right))


def repetition(documents: Sequence[str]) -> Measure:
    """The share of runs of four words that stood in the document before.

    Welleck et al., Neural Text Generation with Unlikelihood Training (2020), seq-rep-4.
    """
    runs = [_runs(words_of(text)) for text in documents]
    return ratio([float(len(one) - len(set(one))) for one in runs], [float(len(one)) for one in runs])


def refusals(texts: Sequence[str]) -> list[float]:
    """Of each text, 1 where it opens by declining to write."""
    phrases = tuple(packaged_text("refusals.txt").split("\n"))
    openings = [text[:_OPENING].lower().replace("’", "'") for text in texts]
    return [float(any(phrase and phrase in opening for phrase in phrases)) for opening in openings]


def offensive_words(documents: Sequence[str]) -> Measure:
    """How many of a thousand words are on a list of insults and swear words; of English only."""
    listed = frozenset(packaged_text("offensive.txt").split())
    words = [words_of(text) for text in documents]
    return ratio(
        [1000.0 * sum(word in listed for word in one) for one in words], [float(len(one)) for one in words]
    )


def length_ratio(documents: Sequence[str], author: Sequence[str]) -> Measure:
    """How many words the model wrote for each of the author's, where both had the same room."""
    return ratio(
        [float(len(words_of(text))) for text in documents], [float(len(words_of(text))) for text in author]
    )


def empty(texts: Sequence[str]) -> list[float]:
    """Of each text, 1 where it has hardly a word."""
    return [float(len(words_of(text)) < _LEAST_WORDS) for text in texts]


def clipped(text: str, words: int) -> str:
    """The beginning of a text up to so many words, as a model's texts end where their room does."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    return text if len(ends) <= words else text[: ends[words - 1]]


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [
        tuple(words[start : start + _REPEATED_WORDS]) for start in range(len(words) - _REPEATED_WORDS + 1)
    ]
