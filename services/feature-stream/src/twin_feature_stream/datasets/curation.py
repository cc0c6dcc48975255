"""From passages with instructions to a training and a held-out set; what is dropped is counted. No I/O."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from twin_feature_stream.datasets.copies import uncontaminated, without_copies
from twin_feature_stream.datasets.quality import FilterPolicy, quality, rejection
from twin_feature_stream.datasets.samples import Sample
from twin_feature_stream.datasets.splitting import SplitPolicy, balanced, hold_out


@dataclass(frozen=True)
class CurationPolicy:
    """What is wanted of samples, and how they are divided."""

    filters: FilterPolicy = field(default_factory=FilterPolicy)
    split: SplitPolicy = field(default_factory=SplitPolicy)


@dataclass(frozen=True)
class Curated:
    """The two sets, and how many samples were dropped for which reason."""

    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    dropped: Counter[str]


def curate(samples: Sequence[Sample], edits: Sequence[str], policy: CurationPolicy) -> Curated:
    """Filter, remove copies, hold out the newest documents, decontaminate, balance.

    Args:
        edits: further text that is learnt from: the owner's edits of answers.
    """
    dropped: Counter[str] = Counter()
    wanted: list[Sample] = []
    for sample in samples:
        scored = replace(sample, quality=quality(sample.answer, sample.origin.category))
        reason = rejection(scored, policy.filters)
        if reason:
            dropped[reason] += 1
        else:
            wanted.append(scored)
    single, copies = without_copies(wanted)
    dropped.update(copies)
    train, test = hold_out(single, policy.split)
    learnt = [*(sample.answer for sample in train), *(sample.instruction for sample in train), *edits]
    clean = uncontaminated(test, learnt)
    dropped["contaminated"] += len(test) - len(clean)
    kept = balanced(train, policy.split)
    dropped["category_balance"] += len(train) - len(kept)
    return Curated(tuple(kept), tuple(clean), +dropped)
