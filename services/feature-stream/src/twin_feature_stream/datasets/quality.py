"""Whether a text is fit to be learnt from. Nothing here does I/O.

The signals are those of Rae et al., Scaling Language Models (Gopher, 2021), A.1.1, on single passages.
"""

import re
from collections import Counter
from dataclasses import dataclass
from math import pow as power

from twin_common.documents import Category
from twin_feature_stream.datasets.samples import Sample

_WORD = re.compile(r"\w+")
_LINK = re.compile(r"https?://\S+|\]\([^)]*\)")
_CODE_MARKS = frozenset("(){}[]=<>;_")
_SENTENCE_END = re.compile(r"[.!?…:。！？][\"'”’)\]*_`]*$")


@dataclass(frozen=True)
class FilterPolicy:
    """What a sample must be; lengths in words, of code in lines."""

    languages: frozenset[str] = frozenset()
    """Language tags of prose that is wanted, such as en; empty: every language."""
    least_words: int = 40
    least_post_words: int = 15
    most_words: int = 600
    least_code_lines: int = 4
    most_code_lines: int = 80
    least_quality: float = 0.5
    most_instruction_words: int = 220


def rejection(sample: Sample, policy: FilterPolicy) -> str | None:
    """Why the sample is not wanted, in a word for counting; None when it is."""
    if len(sample.instruction.split()) > policy.most_instruction_words:
        return "instruction_too_long"
    if sample.origin.category is Category.CODE:
        lines = sum(bool(line.strip()) for line in sample.answer.split("\n"))
        return _length(lines, policy.least_code_lines, policy.most_code_lines) or _worth(sample, policy)
    language = (sample.origin.language or "").split("-")[0].lower()
    if policy.languages and language and language not in policy.languages:
        return "language"
    least = policy.least_post_words if sample.origin.category is Category.POST else policy.least_words
    length = _length(len(sample.answer.split()), least, policy.most_words)
    return length or _format(sample.answer) or _worth(sample, policy)


def quality(text: str, category: Category) -> float:
    """From 0 to 1: the mean of how varied, how clean and how whole a passage is."""
    words = _WORD.findall(text.lower())
    if not words:
        return 0.0
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    unrepeated = len(set(lines)) / len(lines)
    variety = min(1.0, len(set(words)) / len(words) / _expected_variety(len(words)))
    if category is Category.CODE:
        return round((unrepeated + variety) / 2, 3)
    letters = sum(character.isalpha() or character.isspace() for character in text) / len(text)
    linked = sum(len(link) for link in _LINK.findall(text)) / len(text)
    ended = 1.0 if _SENTENCE_END.search(text.rstrip()) else 0.5
    commonest = 1.0 - max(0.0, Counter(words).most_common(1)[0][1] / len(words) - 0.1)
    signals = (unrepeated, variety, min(1.0, letters / 0.9), 1.0 - linked, ended, commonest)
    return round(sum(signals) / len(signals), 3)


def _expected_variety(words: int) -> float:
    """The share of different words in ordinary prose of this length falls with it (Heaps' law)."""
    return min(1.0, 1.6 * power(words, -0.2))


def _length(size: int, least: int, most: int) -> str | None:
    if size < least:
        return "too_short"
    return "too_long" if size > most else None


def _format(text: str) -> str | None:
    """Prose has sentences; a list of links, a table or a block of code is not how somebody writes."""
    lines = [line for line in text.split("\n") if line.strip()]
    fenced = 0
    inside = False
    for line in lines:
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
            fenced += 1
        elif inside or line.startswith(("    ", "\t")):
            fenced += 1
    if fenced > len(lines) / 2:
        return "mostly_code"
    if sum(character in _CODE_MARKS for character in text) > len(text) / 16:
        return "mostly_code"
    if sum(line.lstrip().startswith("|") for line in lines) > len(lines) / 2:
        return "mostly_table"
    if sum(len(link) for link in _LINK.findall(text)) > len(text) / 3:
        return "mostly_links"
    letters = sum(character.isalpha() for character in text)
    return "not_prose" if letters < len(text) * 0.55 else None


def _worth(sample: Sample, policy: FilterPolicy) -> str | None:
    return "low_quality" if sample.quality < policy.least_quality else None
