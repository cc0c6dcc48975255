"""What a platform takes: how long a text is by its own count, and a thread's parts cut to fit."""

import re
import unicodedata
from dataclasses import dataclass

from twin_rag_api.writing.presets import Preset

_CITATION = re.compile(r"[ \t]*\[\d{1,4}(?:\s*,\s*\d{1,4})*\]")
_ADDRESS = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_ADDRESS_LENGTH = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that X counts once (version 3 of its published configuration); all others count twice."""
_NUMBERED = re.compile(r"(?m)^[ \t]*(?=\(?\d{1,2}\s*[/.)](?!\d))")
_GAP = re.compile(r"\n[ \t]*\n(?:[ \t]*(?:-{3,}|\*{3,})[ \t]*\n[ \t]*\n?)?")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class Part:
    """Something that is published as one post, without citations, as it would be pasted."""

    text: str
    characters: int
    """As the platform counts."""
    limit: int | None

    @property
    def fits(self) -> bool:
        return self.limit is None or self.characters <= self.limit


def parts_of(preset: Preset, text: str) -> list[Part]:
    """What is to be pasted: one text, or the posts of a thread, those that are too long cut at sentences."""
    plain = without_citations(text)
    if not preset.in_parts or preset.characters is None:
        return [Part(plain, count_characters(plain, preset), preset.characters)]
    posts = [post.strip() for block in _GAP.split(plain) for post in _NUMBERED.split(block)]
    cut = [piece for post in posts if post for piece in _cut(post, preset, preset.characters)]
    return [Part(post, count_characters(post, preset), preset.characters) for post in cut]


def without_citations(text: str) -> str:
    """The text outside of code without the numbers of sources."""
    pieces = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(
        piece if number % 2 else _CITATION.sub("", piece) for number, piece in enumerate(pieces)
    ).strip()


def count_characters(text: str, preset: Preset) -> int:
    """How long a text is for the preset's platform."""
    text = unicodedata.normalize("NFC", text)
    if not preset.weighted:
        return len(text)
    rest, addresses = _ADDRESS.subn("", text)
    weights = (1 if any(low <= ord(sign) <= high for low, high in _LIGHT) else 2 for sign in rest)
    return addresses * _ADDRESS_LENGTH + sum(weights)


def _cut(post: str, preset: Preset, limit: int) -> list[str]:
    """The post in pieces that fit: cut between sentences, else between words, else anywhere."""
    if count_characters(post, preset) <= limit:
        return [post]
    for pattern in (_SENTENCE_END, re.compile(r"\s+")):
        # An address counts less than it has signs, so that more than the limit may fit.
        ends = [match.start() for match in pattern.finditer(post, 0, 4 * limit)]
        fitting = [end for end in ends if count_characters(post[:end], preset) <= limit]
        if fitting and fitting[-1] > 0:
            return [post[: fitting[-1]].rstrip(), *_cut(post[fitting[-1] :].strip(), preset, limit)]
    end = limit // 2
    return [post[:end], *_cut(post[end:], preset, limit)]
