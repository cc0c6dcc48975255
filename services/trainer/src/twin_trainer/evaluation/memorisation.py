"""How much of the training text a model gives back word by word. Case and punctuation do not count here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, log2
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits

from twin_trainer.evaluation.bootstrap import Measure, largest, ratio
from twin_trainer.evaluation.material import Canary
from twin_trainer.evaluation.models import Likelihood
from twin_trainer.evaluation.suffix_automaton import SuffixAutomaton

_TOKEN = re.compile(r"\w+")
_NOVELTY_WORDS = 5
"""McCoy et al., How Much Do Language Models Copy (2023), find that runs of five and more are mostly new."""
_COPY_WORDS = 8
"""A shared run of so many words is taken for copied: people seldom write the same eight words by chance."""
_EXTRACTED_WORDS = 20
"""About 32 tokens; Carlini et al., Quantifying Memorization (2023), ask for 50."""
_BEFORE_SECRET = 60
"""Characters of the text before a secret that are kept as its beginning."""
_SECRET = re.compile(
    r"[\w.+-]+@[\w-]+\.\w[\w.]+"  # an address
    r"|(?<![\w.])\+?\d[\d ()/-]{7,}\d(?![\w.])"  # a number to call or to pay to
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])\w{16,}\b"  # a key
)


@dataclass(frozen=True)
class TrainingText:
    """The words of every text that was trained on; a run never goes from one text into another."""

    texts: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "TrainingText":
        """From texts as they were."""
        return cls(tuple(tuple(_words(text)) for text in dict.fromkeys(texts)))

    def longest_shared_run(self, text: str) -> int:
        """How many words in a row a text has in common with one of the training texts."""
        automaton = SuffixAutomaton(_words(text))
        return max((automaton.longest_match(words) for words in self.texts), default=0)

    def shared_runs(self, texts: Sequence[str], length: int) -> list[list[bool]]:
        """Of every run of so many words in each text, whether it stands in a training text."""
        runs = [_runs(_words(text), length) for text in texts]
        wanted = {run for of_text in runs for run in of_text}
        known = {run for words in self.texts for run in _runs(words, length) if run in wanted}
        return [[run in known for run in of_text] for of_text in runs]


def longest_copied_words(training: TrainingText, documents: Sequence[str]) -> Measure:
    """The longest run of words that stands in the training text."""
    return largest([training.longest_shared_run(text) for text in documents])


def copied_share(training: TrainingText, documents: Sequence[str]) -> Measure:
    """The share of words that are part of a run of eight or more from the training text."""
    copied = []
    for shared in training.shared_runs(documents, _COPY_WORDS):
        places = {start + step for start, known in enumerate(shared) if known for step in range(_COPY_WORDS)}
        copied.append(float(len(places)))
    return ratio(copied, [float(len(_words(text))) for text in documents])


def novelty(training: TrainingText, documents: Sequence[str]) -> Measure:
    """The share of runs of five words that stand nowhere in the training text."""
    shared = training.shared_runs(documents, _NOVELTY_WORDS)
    new = [float(len(runs) - sum(runs)) for runs in shared]
    return ratio(new, [float(len(runs)) for runs in shared])


@dataclass(frozen=True)
class Extraction:
    """A training text in two parts: the model is given the first."""

    beginning: str
    rest: str


def extractions(texts: Sequence[str], words_of_beginning: int, count: int) -> list[Extraction]:
    """So many texts that are long enough, the longest first, cut after so many words."""
    found = []
    for text in sorted(dict.fromkeys(texts), key=lambda text: (-len(text), text)):
        cuts = [match.end() for match in _TOKEN.finditer(text)]
        if len(cuts) >= words_of_beginning + _EXTRACTED_WORDS:
            cut = cuts[words_of_beginning - 1]
            found.append(Extraction(text[:cut], text[cut:]))
    return found[:count]


def extracted_share(given: Sequence[Extraction], continuations: Sequence[str]) -> Measure:
    """The share of training texts that the model goes on with by heart, for twenty words at least."""
    hits = [
        float(_words(one.rest)[:_EXTRACTED_WORDS] == _words(continuation)[:_EXTRACTED_WORDS])
        for one, continuation in zip(given, continuations, strict=True)
    ]
    return ratio(hits, [1.0] * len(hits))


def find_canaries(texts: Sequence[str], count: int) -> list[Canary]:
    """What looks like a secret in the training text, for all that redaction did."""
    found: dict[str, Canary] = {}
    for text in texts:
        for match in _SECRET.finditer(text):
            beginning = text[max(0, match.start() - _BEFORE_SECRET) : match.start()]
            found.setdefault(match.group(), Canary(beginning, match.group()))
    return list(found.values())[:count]


def canary_variants(canary: Canary, alternatives: int) -> list[str]:
    """The canary as it stands in the training text, then other secrets of its form in its place."""
    random = Random(canary.secret)  # noqa: S311 - these are decoys, not keys
    others = {canary.secret: None}
    for _ in range(alternatives * 4):
        if len(others) > alternatives:
            break
        others["".join(_like(character, random) for character in canary.secret)] = None
    return [canary.beginning + secret for secret in others]


def canary_exposure(likelihoods: Sequence[Sequence[Likelihood]]) -> Measure:
    """How far to the front of all variants the true secrets are: log2 of their number less log2 of the rank.

    Carlini et al., The Secret Sharer (2019), section 4. Without any memory the mean is about 1.4.

    Args:
        likelihoods: of every canary, those of its variants in their order, the true one first.
    """
    bits = []
    for variants in likelihoods:
        nats = [one.nats for one in variants]
        if all(map(isfinite, nats)):
            bits.append(log2(len(nats)) - log2(1 + sum(other < nats[0] for other in nats[1:])))
        else:
            bits.append(float("nan"))
    return ratio(bits, [1.0] * len(bits))


def _like(character: str, random: Random) -> str:
    for alphabet in (digits, ascii_lowercase, ascii_uppercase):
        if character in alphabet:
            return random.choice(alphabet)
    return character


def _words(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]
