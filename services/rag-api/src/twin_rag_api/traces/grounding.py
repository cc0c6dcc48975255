"""Whether the sentences of an answer stand in the sources that they cite: by their words, without a model."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Terms = Callable[[Sequence[str]], list[frozenset[int]]]
"""The ids of each text's words after stemming, stop words left out."""

_CITATION = re.compile(r"\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]")
_BETWEEN = re.compile(r"(?<=[.!?…\])])\s+(?=[\"'“‘(]?[A-Z0-9À-ÞΑ-ΩА-Я])|\n+")
_MARKER = re.compile(r"^(?:\s*(?:>|#{1,6}|[-*+]|\d+[.)])\s+)+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class GroundingPolicy:
    """When a sentence counts as supported."""

    shared_share: float = 0.6
    """Of its words, so many must stand in one source: a paraphrase keeps the words for its subject matter."""
    least_words: int = 3
    """A sentence with fewer states nothing that could be looked up."""


@dataclass(frozen=True)
class Grounding:
    """How many of an answer's sentences there are, are supported, and cite a source."""

    sentences: int
    supported: int
    cited: int


def ground(
    answer: str, sources: Mapping[int, str], terms: Terms, policy: GroundingPolicy = GroundingPolicy()
) -> Grounding:
    """Look every sentence up in the sources that it cites, or in all of them where it cites none.

    A number that does not stand in the source makes a sentence unsupported, however many words do.

    Args:
        answer: the text with its citations as [1] or [1, 2].
        sources: the text of each source by its number.
        terms: how words are compared.
        policy: when a sentence is supported.
    """
    source_terms = dict(zip(sources, terms(list(sources.values())), strict=True))
    total = supported = cited = 0
    parts = statements(answer)
    plain = [_CITATION.sub(" ", part) for part in parts]
    for part, bare, words in zip(parts, plain, terms(plain), strict=True):
        if len(words) < policy.least_words:
            continue
        numbers = {int(number) for found in _CITATION.findall(part) for number in found.split(",")}
        known = numbers & sources.keys()
        total += 1
        cited += bool(known)
        supported += any(
            len(words & source_terms[number]) >= policy.shared_share * len(words)
            and set(_NUMBER.findall(bare)) <= set(_NUMBER.findall(sources[number]))
            for number in known or sources
        )
    return Grounding(total, supported, cited)


def statements(answer: str) -> list[str]:
    """The sentences and lines of an answer without their marks; what ends with a colon only introduces."""
    parts = (_MARKER.sub("", part).strip() for part in _BETWEEN.split(answer))
    return [part for part in parts if part and not part.endswith(":")]
