"""A language model that is a function, for tests that need no weights."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from twin_trainer.evaluation.models import LanguageModel, Likelihood, OpenModel


@dataclass(frozen=True)
class FakeLanguageModel:
    """Writes by a rule, and finds every token of a text equally likely."""

    name: str
    write: Callable[[str], str]
    """The answer to a prompt, and what follows a beginning."""
    nats_per_token: Callable[[str], float] = lambda _: 3.0
    """Of a text; a token is a word here."""

    def generate(self, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
        """The rule's answers, cut at so many words."""
        return [" ".join(self.write(prompt).split()[:max_new_tokens]) for prompt in prompts]

    def continue_texts(self, beginnings: Sequence[str], max_new_tokens: int) -> list[str]:
        """As for prompts."""
        return self.generate(beginnings, max_new_tokens)

    def negative_log_likelihoods(self, texts: Sequence[str]) -> list[Likelihood]:
        """So much for every word."""
        return [
            Likelihood(self.nats_per_token(text) * len(text.split()), len(text.split()), len(text))
            for text in texts
        ]


def opened(model: LanguageModel) -> OpenModel:
    """A model as the suite takes it; there is nothing to load or to let go of."""

    @contextmanager
    def manager() -> Iterator[LanguageModel]:
        yield model

    return manager
