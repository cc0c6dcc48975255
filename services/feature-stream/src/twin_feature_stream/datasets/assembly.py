"""From documents and feedback to a dataset, in steps between which models may be asked. No I/O."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version as package_version

from twin_common.documents import DocumentHead
from twin_common.errors import TwinError
from twin_common.events import FeedbackGiven
from twin_common.identity import AuthorId
from twin_feature_stream.datasets.answers import Answers
from twin_feature_stream.datasets.curation import Curated, CurationPolicy, curate
from twin_feature_stream.datasets.dataset import Dataset
from twin_feature_stream.datasets.instructions import announced_articles, instruct
from twin_feature_stream.datasets.passages import PassagePolicy, passages
from twin_feature_stream.datasets.preference import feedback_pairs, hold_out_newest, model_pairs
from twin_feature_stream.datasets.samples import Pair, Sample
from twin_feature_stream.datasets.selection import Selection, select
from twin_feature_stream.datasets.version import DatasetVersion, Lineage, SourceDocument, Statistics


class NotEnoughText(TwinError):
    """Too little of the author's text is usable; the sentence says how much is there and is needed."""


@dataclass(frozen=True)
class BuildPolicy:
    """How a dataset is made of an author's text."""

    seed: int = 1
    passages: PassagePolicy = field(default_factory=PassagePolicy)
    curation: CurationPolicy = field(default_factory=CurationPolicy)
    least_samples: int = 8
    """With fewer there is no dataset: not even two steps of a trainer."""
    small_below: int = 100
    """With fewer there is a warning: below this a model learns sentences by heart rather than a style."""


@dataclass(frozen=True)
class Draft:
    """What is decided before a model is asked; its samples have instructions by rules."""

    author_id: AuthorId
    documents_read: int
    selection: Selection
    curated: Curated
    feedback_train: tuple[Pair, ...]
    feedback_test: tuple[Pair, ...]
    pairs_dropped: Counter[str]
    model_failures: Counter[str] = field(default_factory=Counter)

    def with_instructions(self, rewritten: Sequence[Sample], failures: Counter[str]) -> "Draft":
        """The same samples with other instructions, in the order train, then test."""
        count = len(self.curated.train)
        curated = replace(self.curated, train=tuple(rewritten[:count]), test=tuple(rewritten[count:]))
        return replace(self, curated=curated, model_failures=failures)


def draft(
    author_id: AuthorId,
    heads: Sequence[DocumentHead],
    feedback: Sequence[FeedbackGiven],
    policy: BuildPolicy,
) -> Draft:
    """Everything that rules decide.

    Raises:
        NotEnoughText: fewer training samples are left than a dataset needs.
    """
    selection = select(heads)
    articles = announced_articles(selection.documents)
    pieces = [piece for document in selection.documents for piece in passages(document, policy.passages)]
    instructed = [instruct(piece, articles, policy.seed) for piece in pieces]
    samples = [sample for sample in instructed if sample is not None]
    pairs, pairs_dropped = feedback_pairs(feedback)
    learnt, held_out, left_out = hold_out_newest(pairs)
    edits = [text for pair in learnt for text in (pair.instruction, pair.chosen)]
    curated = curate(samples, edits, policy.curation)
    unfit = len(pieces) - len(samples)
    dropped = curated.dropped + Counter({"no_instruction": unfit})
    if len(curated.train) < policy.least_samples:
        raise _not_enough(author_id, len(heads), len(curated.train), selection.dropped + dropped, policy)
    return Draft(
        author_id=author_id,
        documents_read=len(heads),
        selection=selection,
        curated=replace(curated, dropped=dropped),
        feedback_train=tuple(learnt),
        feedback_test=tuple(held_out),
        pairs_dropped=pairs_dropped + Counter({"feedback_like_training": left_out}),
    )


def finish(
    made: Draft, rejected: Answers | None, rejected_model: str | None, now: datetime, policy: BuildPolicy
) -> tuple[DatasetVersion, Dataset]:
    """The dataset and what is said of it.

    Args:
        rejected: the model's answers to all samples, train then test; None where no model is configured.
    """
    train, test = made.curated.train, made.curated.test
    generated: tuple[list[Pair], list[Pair]] = [], []
    pairs_dropped = made.pairs_dropped
    if rejected is not None and rejected_model is not None:
        of_train, dropped = model_pairs(train, rejected.texts[: len(train)], rejected_model)
        of_test, dropped_of_test = model_pairs(test, rejected.texts[len(train) :], rejected_model)
        generated = of_train, of_test
        pairs_dropped = pairs_dropped + dropped + dropped_of_test
    preference = [*made.feedback_train, *generated[0]], [*made.feedback_test, *generated[1]]
    dataset = Dataset.of(made.author_id, (train, test), preference)
    statistics = Statistics(
        documents_read=made.documents_read,
        documents_dropped=dict(made.selection.dropped),
        samples_dropped=dict(made.curated.dropped),
        pairs_dropped=dict(pairs_dropped),
        model_failures=dict(made.model_failures + (rejected.failures if rejected else Counter())),
        redacted=dict(made.selection.redacted),
        boilerplate_paragraphs=made.selection.boilerplate,
        rows={f"{configuration}/{split}": len(rows) for (configuration, split), rows in dataset.rows.items()},
        kinds=dict(Counter(sample.kind.value for sample in train)),
        categories=dict(Counter(sample.origin.category.value for sample in train)),
        feedback_pairs=len(made.feedback_train) + len(made.feedback_test),
        answer_words=sum(len(sample.answer.split()) for sample in train),
        warnings=_warnings(made, rejected, preference, policy),
    )
    lineage = Lineage(
        name=dataset.dataset_id,
        authors=(made.author_id,),
        content_hash=dataset.content_hash,
        created_at=now,
        documents=tuple(
            SourceDocument(document_id=key, version=version, split=split, samples=samples)
            for key, (version, split, samples) in sorted(dataset.documents().items())
        ),
        instructions_by=tuple(sorted({sample.written_by for sample in (*train, *test)})),
        rejected_by=tuple(sorted({pair.model for pairs in preference for pair in pairs})),
        code_version=package_version("twin-feature-stream"),
    )
    return DatasetVersion(lineage=lineage, statistics=statistics), dataset


def _warnings(
    made: Draft, rejected: Answers | None, preference: tuple[list[Pair], list[Pair]], policy: BuildPolicy
) -> tuple[str, ...]:
    warnings: list[str] = []
    samples = len(made.curated.train)
    if samples < policy.small_below:
        warnings.append(
            f"It is small: {samples} training samples, where {policy.small_below} are a beginning. "
            "Train few steps with a small learning rate, and expect sentences to be learnt by heart."
        )
    if not made.curated.test:
        warnings.append("Nothing is held out: there are too few documents to tell what was learnt.")
    if rejected is None:
        pairs = sum(map(len, preference))
        warnings.append(
            f"No model is configured for rejected answers: the {pairs} preference pairs are the owner's "
            "own edits; set DATASETS_REJECTED_MODEL_URL for more."
        )
    return tuple(warnings)


def _not_enough(
    author_id: AuthorId, documents: int, samples: int, dropped: Counter[str], policy: BuildPolicy
) -> NotEnoughText:
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common()) or "nothing dropped"
    return NotEnoughText(
        f"{author_id} has too little text for a dataset: {documents} documents give {samples} training "
        f"samples, and at least {policy.least_samples} are needed ({reasons}); "
        f"publish or import {policy.least_samples - samples} more texts of 40 words or more, then build again"
    )
