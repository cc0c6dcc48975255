"""Whether a model has stopped saying anything: it repeats itself without end, or writes what is no text."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Literal

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_NO_TEXT = frozenset(("Cc", "Cn", "Co", "Cs"))


@dataclass(frozen=True)
class RunawayPolicy:
    """What is taken for a loop or for garbage."""

    tail: int = 480
    """Characters of the end that are looked at."""
    cycles: int = 4
    """The tail is one piece, so many times."""
    same_sentence: int = 4
    """So often at most; a refrain is rarer."""
    sentence_letters: int = 24
    """Shorter ones, such as a closing bracket or "Yes.", may come as often as they like."""
    garbage_share: float = 0.2
    """Of the tail: control signs, unassigned code points and replacements for what is no UTF-8."""
    every: int = 48
    """Characters between two looks."""


class RunawayWatch:
    """Reads along with one answer."""

    def __init__(self, policy: RunawayPolicy = RunawayPolicy()) -> None:
        self._policy = policy
        self._tail = ""
        self._unseen = 0
        self._sentence = ""
        self._sentences: Counter[str] = Counter()

    def feed(self, text: str) -> Literal["repetition", "garbage"] | None:
        """What is wrong with the answer once `text` has been added, if anything."""
        if self._repeats_a_sentence(text):
            return "repetition"
        self._tail = (self._tail + text)[-self._policy.tail :]
        self._unseen += len(text)
        if self._unseen < self._policy.every:
            return None
        self._unseen = 0
        if _garbage_share(self._tail) > self._policy.garbage_share:
            return "garbage"
        if len(self._tail) < self._policy.tail:
            return None
        return "repetition" if shortest_period(self._tail) * self._policy.cycles <= len(self._tail) else None

    def _repeats_a_sentence(self, text: str) -> bool:
        *ended, self._sentence = _SENTENCE_END.split(self._sentence + text)
        self._sentence = self._sentence[-4 * self._policy.tail :]
        for sentence in ended:
            plain = " ".join(sentence.casefold().split())
            if len(plain) >= self._policy.sentence_letters:
                self._sentences[plain] += 1
                if self._sentences[plain] > self._policy.same_sentence:
                    return True
        return False


def shortest_period(text: str) -> int:
    """The smallest p with text[i] == text[i + p] throughout; its own length where nothing repeats.

    Knuth, Morris and Pratt's failure function: linear in the text.
    """
    failure = [0] * len(text)
    matched = 0
    for position in range(1, len(text)):
        while matched and text[position] != text[matched]:
            matched = failure[matched - 1]
        if text[position] == text[matched]:
            matched += 1
        failure[position] = matched
    return len(text) - (failure[-1] if failure else 0)


def _garbage_share(text: str) -> float:
    bad = sum(
        sign == "\ufffd" or (unicodedata.category(sign) in _NO_TEXT and sign not in "\n\t\r") for sign in text
    )
    return bad / max(1, len(text))
