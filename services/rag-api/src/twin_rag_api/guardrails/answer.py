"""The rules over what an engine writes, while it writes."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from twin_rag_api.guardrails.foreign_links import without_foreign_links
from twin_rag_api.guardrails.personal_data import without_personal_data
from twin_rag_api.guardrails.secrets import without_secrets

_UNFINISHED = re.compile(r"(?<!\S)\S*?(?:\d[\d ()./-]*|-----BEGIN[\s\S]*|[A-Z]{2}\d{2}[A-Z0-9 ]*|)\Z")
"""What the next piece may go on with, from the start of a word: that word, a number in groups, a long key."""
_LONGEST_HELD = 4096
_LEAKED_WORDS = 14
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class AnswerPolicy:
    """What an answer may contain."""

    links: frozenset[str] | None
    """Addresses that were given; None lets all pass, for quotes, which are the owner's own words."""
    personal_data: bool
    confidential: str = ""
    """The platform's own part of the prompt."""


class AnswerGuard:
    """Lets an answer through as it streams; how it is cut into pieces makes no difference."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._rules: list[tuple[str, Callable[[str], str]]] = [("secret", without_secrets)]
        if policy.links is not None:
            links: Collection[str] = policy.links
            self._rules.append(("foreign_link", lambda text: without_foreign_links(text, links)))
        if not policy.personal_data:
            self._rules.append(("personal_data", without_personal_data))
        words = _words(policy.confidential)
        self._confidential = {
            tuple(words[start : start + _LEAKED_WORDS]) for start in range(len(words) - _LEAKED_WORDS + 1)
        }
        self._last_words: list[str] = []
        self._held = ""
        self.found: dict[str, None] = {}
        """The rules that found something."""

    @property
    def leaked(self) -> bool:
        """Whether the answer recites the platform's part of the prompt."""
        return "prompt_leak" in self.found

    def feed(self, text: str) -> str:
        """The part of the answer that is certain after `text` was added."""
        self._held += text
        unfinished = _UNFINISHED.search(self._held)
        end = unfinished.start() if unfinished and len(self._held) < _LONGEST_HELD else len(self._held)
        certain, self._held = self._held[:end], self._held[end:]
        return self._pass(certain)

    def finish(self) -> str:
        """The rest, once the answer has ended."""
        certain, self._held = self._held, ""
        return self._pass(certain)

    def _pass(self, text: str) -> str:
        if self._confidential and self._recites(text):
            self.found["prompt_leak"] = None
            return ""
        for name, rule in self._rules:
            cleaned = rule(text)
            if cleaned != text:
                self.found[name] = None
                text = cleaned
        return text

    def _recites(self, text: str) -> bool:
        words = self._last_words + _words(text)
        self._last_words = words[-_LEAKED_WORDS + 1 :]
        runs = range(len(words) - _LEAKED_WORDS + 1)
        return any(tuple(words[start : start + _LEAKED_WORDS]) in self._confidential for start in runs)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
