"""A language model as the evaluation sees it, whatever runs it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Likelihood:
    """How surprised a model is by a text."""

    nats: float
    """Negative log-likelihood, summed over the scored tokens; not finite where a model is broken."""
    tokens: int
    """How many were scored: all but the first, up to what the model reads at once."""
    characters: int
    """How many characters of the text the scored tokens stand for; the share that was read."""


class LanguageModel(Protocol):
    """Writes, and tells how likely a text is."""

    @property
    def name(self) -> str:
        """For the report."""

    def generate(self, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
        """What the model answers to each message of a user; the same when it is repeated."""

    def continue_texts(self, beginnings: Sequence[str], max_new_tokens: int) -> list[str]:
        """What the model writes after each beginning of a text, without a template: the likeliest tokens."""

    def negative_log_likelihoods(self, texts: Sequence[str]) -> list[Likelihood]:
        """How likely each text is by itself, without a template."""


OpenModel = Callable[[], AbstractContextManager[LanguageModel]]
"""Loads a model, and lets go of its memory afterwards: the models of a report need not fit side by side."""
