"""What to search for when a question leans on the one before it."""

import re
from collections.abc import Sequence

_POINTS_BACK = re.compile(
    r"\b(?:it|they|them|those|these|he|him|she|another|instead|the (?:same|first|second|last) one"
    r"|(?:is|are|was|does|did|do|can|about|of|for|with|by|from|like|than|to) (?:that|this))\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\s*(?:and|but|or|so|also|then|ok|okay|really|why|how come|what about|how about|what if|more|go on)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 3
_MOST_CHARACTERS = 2000


def search_text(question: str, earlier: Sequence[str]) -> str:
    """The question, preceded by those it cannot be understood without.

    Rules instead of a model, so it costs nothing: a question that points back, goes on with a conjunction or
    has hardly any words is read together with the one before. The words for that are English; questions in
    other languages are told by their length alone.

    Args:
        question: what was asked last.
        earlier: what the same person asked before, oldest first.
    """
    if not earlier or not _leans_on_another(question):
        return question
    before = search_text(earlier[-1], earlier[:-1])
    return f"{before}\n{question}" if len(before) + len(question) < _MOST_CHARACTERS else question


def _leans_on_another(question: str) -> bool:
    few = len(question.split()) <= _FEW_WORDS
    return few or _POINTS_BACK.search(question) is not None or _GOES_ON.match(question) is not None
