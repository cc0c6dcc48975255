"""Instructions written by a language model, in place of those of the rules."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from twin_feature_stream.datasets.answers import Answers, Question
from twin_feature_stream.datasets.copies import ngrams
from twin_feature_stream.datasets.samples import Kind, Sample

PROMPT = "instruct.v1"
"""The version of the prompt; a change makes other questions, so the cache answers none of them."""
_KINDS = frozenset({Kind.WRITE, Kind.EXPLAIN, Kind.THREAD, Kind.POST_FROM_ARTICLE})
"""The others carry text that the answer depends on: a beginning, an outline, a docstring."""
_MAX_TOKENS = 120
_LEAST_WORDS, _MOST_WORDS = 3, 90


def may_be_asked(sample: Sample) -> bool:
    """Whether a model may write the instruction of this sample."""
    return sample.kind in _KINDS


def question(sample: Sample) -> Question:
    """What the model is asked about a sample; the owner's text is told apart from the request."""
    request = files(__package__).joinpath(f"prompts/{PROMPT}.md").read_text(encoding="utf-8")
    text = f"{request}\n----------\n{sample.answer}\n----------"
    return Question(({"role": "user", "content": text},), _MAX_TOKENS)


def with_answers(samples: Sequence[Sample], answers: Answers, model: str) -> list[Sample]:
    """The samples with the model's instructions; where there is no usable one, the rules' own stays."""
    chosen: list[Sample] = []
    for sample, text in zip(samples, answers.texts, strict=True):
        if text is None:
            chosen.append(sample)
        elif not _is_usable(text, sample):
            answers.failures["unusable"] += 1
            chosen.append(sample)
        else:
            chosen.append(replace(sample, instruction=text, written_by=f"{model}/{PROMPT}"))
    return chosen


def _is_usable(text: str, sample: Sample) -> bool:
    """A request has a sensible length and gives nothing of the answer away."""
    fits = _LEAST_WORDS <= len(text.split()) <= _MOST_WORDS
    return fits and ngrams(text).isdisjoint(ngrams(sample.answer))
