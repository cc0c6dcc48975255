"""What is learnt from and what is held out: whole documents, the newest of each category. No I/O."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from twin_common.documents import Category
from twin_feature_stream.datasets.samples import Sample


@dataclass(frozen=True)
class SplitPolicy:
    """How much is held out, and how much one category may outweigh the others."""

    test_share: float = 0.1
    """Of the documents of each category; at least one, where there are five or more."""
    least_documents_to_split: int = 5
    largest_category_share: float = 0.7
    """Of the training samples, where there are several categories."""
    balance_from: int = 50
    """A category with fewer samples than this is never cut down."""


def hold_out(samples: Sequence[Sample], policy: SplitPolicy) -> tuple[list[Sample], list[Sample]]:
    """Training samples and held-out samples, each in the order given; no document is in both."""
    documents: dict[Category, dict[str, tuple[float, float, str]]] = defaultdict(dict)
    for sample in samples:
        documents[sample.origin.category][sample.origin.document_id] = sample.origin.order
    held: set[str] = set()
    for orders in documents.values():
        if len(orders) >= policy.least_documents_to_split:
            count = max(1, round(len(orders) * policy.test_share))
            held.update(sorted(orders, key=lambda key: orders[key])[-count:])
    train = [sample for sample in samples if sample.origin.document_id not in held]
    test = [sample for sample in samples if sample.origin.document_id in held]
    return train, test


def balanced(samples: Sequence[Sample], policy: SplitPolicy) -> list[Sample]:
    """Without the worst samples of a category that has more than its share."""
    by_category: dict[Category, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_category[sample.origin.category].append(sample)
    if len(by_category) < 2:
        return list(samples)
    largest = max(by_category, key=lambda category: (len(by_category[category]), category.value))
    others = len(samples) - len(by_category[largest])
    share = policy.largest_category_share
    allowed = max(policy.balance_from, round(others * share / (1 - share)))
    best = sorted(by_category[largest], key=lambda sample: (-sample.quality, sample.sample_id))[:allowed]
    kept = {sample.sample_id for sample in best}
    return [sample for sample in samples if sample.origin.category is not largest or sample.sample_id in kept]
