"""Exact and near copies among samples, and overlap of held-out answers with training text. No I/O."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from twin_common.documents import Category
from twin_feature_stream.datasets.samples import Sample
from twin_feature_stream.duplicates import NEAR
from twin_feature_stream.signature import Signature, bands, sign, similarity, words_of

_NGRAM_WORDS = 13
"""As Brown et al., Language Models are Few-Shot Learners (2020), appendix C."""


def without_copies(samples: Sequence[Sample]) -> tuple[list[Sample], dict[str, int]]:
    """The samples whose answer is no copy of an earlier one's, and how many copies were left out."""
    dropped = {"exact_duplicate": 0, "near_duplicate": 0}
    kept: list[Sample] = []
    texts: set[tuple[str, ...]] = set()
    by_band: dict[str, list[Signature]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: (sample.origin.order, sample.place)):
        words = tuple(words_of(sample.answer))
        if words in texts:
            dropped["exact_duplicate"] += 1
            continue
        signature = sign(sample.answer)
        keys = bands(signature, _scope(sample)) if signature is not None else ()
        if signature is not None and any(
            similarity(signature, other) >= NEAR for key in keys for other in by_band[key]
        ):
            dropped["near_duplicate"] += 1
            continue
        for key in keys:
            if signature is not None:
                by_band[key].append(signature)
        texts.add(words)
        kept.append(sample)
    return kept, dropped


def near(one: str, other: str) -> bool:
    """Whether two answers say nearly the same."""
    left, right = sign(one), sign(other)
    if left is None or right is None:
        return words_of(one) == words_of(other)
    return similarity(left, right) >= NEAR


def ngrams(text: str) -> set[bytes]:
    """Hashes of all runs of 13 words, whatever their case and punctuation."""
    words = words_of(text)
    return {
        blake2b(" ".join(words[start : start + _NGRAM_WORDS]).encode(), digest_size=8).digest()
        for start in range(len(words) - _NGRAM_WORDS + 1)
    }


def uncontaminated(test: Iterable[Sample], train: Iterable[str]) -> list[Sample]:
    """The held-out samples of whose answers no run of 13 words stands in the training text."""
    known = {gram for text in train for gram in ngrams(text)}
    return [sample for sample in test if known.isdisjoint(ngrams(sample.answer))]


def _scope(sample: Sample) -> str:
    return "code" if sample.origin.category is Category.CODE else "prose"
