"""A passage's text cut into what can be quoted from it, word for word."""

import re
from itertools import pairwise

_SHORTEST = 20
_LONGEST = 600
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+]|\d+[.)])[ \t])|(?<=\|)\n")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-ÞΑ-ΩА-Я])")
_MARKER = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|>[ \t]?|[-*+][ \t]|\d+[.)][ \t])+[ \t]*")
_NUMBER_IN_BRACKETS = re.compile(r"\[\d+(?:\s*,\s*\d+)*\]")


def split_sentences(text: str) -> list[str]:
    """Sentences and blocks of code of a Markdown passage, each a verbatim part of it.

    Headings, scraps and what would read as a citation of ours are left out.
    """
    quotable: list[str] = []
    end = 0
    for fence in _FENCE.finditer(text):
        quotable += _of_prose(text[end : fence.start()])
        quotable.append(_shortened(fence.group(1).rstrip()))
        end = fence.end()
    quotable += _of_prose(text[end:])
    return [part for part in quotable if len(part) >= _SHORTEST and not _NUMBER_IN_BRACKETS.search(part)]


def _of_prose(text: str) -> list[str]:
    sentences: list[str] = []
    for block in _BLOCK.split(text):
        if not block.lstrip().startswith("#"):
            body = _MARKER.sub("", block).strip()
            cuts = [0, *(match.end() for match in _END.finditer(body)), len(body)]
            sentences += [_shortened(body[start:stop].strip()) for start, stop in pairwise(cuts)]
    return sentences


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    cut = max(text.rfind("\n", 0, _LONGEST), text.rfind(" ", 0, _LONGEST))
    return text[: cut if cut > 0 else _LONGEST]
