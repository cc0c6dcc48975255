"""Preference pairs: what the owner wrote or corrected, against what a model wrote. Nothing here does I/O."""

from collections import Counter
from collections.abc import Iterable, Sequence

from twin_common.events import FeedbackGiven
from twin_feature_stream.datasets.answers import Question
from twin_feature_stream.datasets.copies import near
from twin_feature_stream.datasets.redaction import redact
from twin_feature_stream.datasets.samples import Pair, Sample

_TOKENS_PER_WORD = 1.6
_LEAST_TOKENS = 128
_FEEDBACK_TO_ONE_HELD_OUT = 10


def feedback_pairs(feedback: Iterable[FeedbackGiven]) -> tuple[list[Pair], Counter[str]]:
    """The owner's edits against what they edited, oldest first, and what gave no pair by reason."""
    dropped: Counter[str] = Counter()
    pairs: dict[str, Pair] = {}
    for given in feedback:
        prompt, chosen, rejected = (
            redact(text or "")[0].strip() for text in (given.prompt, given.edit, given.answer)
        )
        if not chosen:
            dropped["feedback_without_edit"] += 1
        elif not prompt or not rejected:
            dropped["feedback_incomplete"] += 1
        elif chosen == rejected:
            dropped["edit_changes_nothing"] += 1
        else:
            pair = Pair(prompt, chosen, rejected, "feedback", given.model)
            dropped["repeated_edit"] += pair.pair_id in pairs
            pairs[pair.pair_id] = pair
    return list(pairs.values()), +dropped


def question(sample: Sample) -> Question:
    """The instruction, with room for about as long an answer as the owner's."""
    tokens = max(_LEAST_TOKENS, round(len(sample.answer.split()) * _TOKENS_PER_WORD))
    return Question(({"role": "user", "content": sample.instruction},), tokens)


def model_pairs(
    samples: Sequence[Sample], answers: Sequence[str | None], model: str
) -> tuple[list[Pair], Counter[str]]:
    """The owner's text against the model's for the same instruction, and what gave no pair by reason."""
    dropped: Counter[str] = Counter()
    pairs: list[Pair] = []
    for sample, text in zip(samples, answers, strict=True):
        if text is None:
            dropped["no_rejected_answer"] += 1
        elif near(sample.answer, text):
            dropped["rejected_is_near_chosen"] += 1
        else:
            rejected = redact(text)[0]
            pairs.append(Pair(sample.instruction, sample.answer, rejected, "model", model, sample.origin))
    return pairs, dropped


def hold_out_newest(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair], int]:
    """Of feedback, oldest first: what is learnt from, the newest tenth, and how many were left out of that.

    A held-out pair shares neither its question nor nearly its answer with one that is learnt from.
    """
    count = len(pairs) // _FEEDBACK_TO_ONE_HELD_OUT
    train, newest = list(pairs[: len(pairs) - count]), pairs[len(pairs) - count :]
    test = [
        pair
        for pair in newest
        if not any(
            pair.instruction == other.instruction or near(pair.chosen, other.chosen) for other in train
        )
    ]
    return train, test, count - len(test)
