"""Texts as words and marks, the two things that style is measured by here."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_APOSTROPHES = str.maketrans("’ʼ", "''")
MARKS = (".", ",", ";", ":", "!", "?", "…", "-", "–", "—", "(", '"', "'", "/", "*", "#", "\n\n", "emoji")
"""What an author is free in; a pair of brackets counts once, and so does a blank line."""
_SAME_MARK = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_MARK = re.compile(r"\n\n+|\.\.\.|[.,;:!?…–—(\"'/*#-]|[\U0001F300-\U0001FAFF☀-➿→]")
_INSIDE_WORD = re.compile(r"(?<=\w)['-](?=\w)")


def words_of(text: str) -> list[str]:
    """The words in lower case, contractions whole; numbers are none."""
    return _WORD.findall(text.translate(_APOSTROPHES).lower())


def marks_of(text: str) -> Counter[str]:
    """How often each of `MARKS` stands in a text; apostrophes and hyphens within words are none."""
    plain = _INSIDE_WORD.sub("", text.translate(_SAME_MARK))
    counts: Counter[str] = Counter()
    for mark in _MARK.findall(plain):
        if mark.startswith("\n"):
            counts["\n\n"] += 1
        elif mark == "...":
            counts["…"] += 1
        else:
            counts[mark if mark in MARKS else "emoji"] += 1
    return counts


@cache
def function_words(language: str) -> tuple[str, ...]:
    """The words that hold sentences together and say nothing of their subject; none where no list is kept."""
    path = files(__package__).joinpath(f"function_words/{language.split('-', maxsplit=1)[0].lower()}.txt")
    return tuple(dict.fromkeys(path.read_text(encoding="utf-8").split())) if path.is_file() else ()


def style_words(texts: Sequence[str], language: str, most: int) -> tuple[str, ...]:
    """The words that style is told by: the function words that the texts use, the most frequent first.

    Where no list is kept for a language these are the words that stand in four of five texts, since those of
    a subject seldom do (culling, as in Eder, Rybicki and Kestemont, Stylometry with R, 2016).
    """
    counted = [Counter(words_of(text)) for text in texts]
    total: Counter[str] = sum(counted, Counter())
    known = function_words(language)
    if not known:
        known = tuple(
            word for word in total if sum(word in counts for counts in counted) >= 0.8 * len(counted)
        )
    frequent = sorted((word for word in known if total[word]), key=lambda word: (-total[word], word))
    return tuple(frequent[:most])
