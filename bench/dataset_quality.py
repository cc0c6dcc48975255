"""What a dataset of the real articles is like: what is dropped, what is shared across the split, how varied.

The split is checked here by means that the building does not use: all pairs of answers are compared, where
building looks only at those that share a band of their signatures. The file is not called datasets.py, since
a benchmark that imports the library of that name would get this one.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
from corpus import AUTHOR, articles_file
from results import write_result

from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentHead, HeadStatus
from twin_feature_stream.cleaning import clean, clean_line
from twin_feature_stream.datasets.assembly import BuildPolicy, Draft, draft, finish
from twin_feature_stream.datasets.copies import ngrams
from twin_feature_stream.datasets.samples import Sample
from twin_feature_stream.duplicates import NEAR
from twin_feature_stream.signature import Signature, sign

_OPENING_WORDS = 3


def _heads(file: Path) -> list[DocumentHead]:
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    heads = []
    for number, row in enumerate(rows):
        category = Category(row.get("category", Category.ARTICLE))
        text = clean(row["text"], category)
        heads.append(
            DocumentHead(
                document_id=f"{number:04}",
                author_id=AUTHOR,
                version=1,
                content_hash="",
                category=category,
                platform=row.get("platform", "web"),
                url=row.get("link") or row.get("url") or f"https://bench.example/{number}",
                title=clean_line(row["title"]),
                language=row.get("language"),
                published_at=row.get("published_at"),
                text=text,
                text_length=len(text),
                status=HeadStatus.SEARCHABLE,
            )
        )
    return heads


def _across(train: list[Sample], test: list[Sample]) -> dict[str, float]:
    """How much the answers of the two sides have in common."""
    learnt, held = _signatures(train), _signatures(test)
    highest = [float((learnt == one).mean(axis=1).max()) for one in held]
    documents = {sample.origin.document_id for sample in train}
    grams = {gram for sample in train for gram in ngrams(sample.answer)}
    return {
        "documents_shared_by_train_and_test": len(documents & {one.origin.document_id for one in test}),
        "near_duplicates_across_the_split": sum(similarity >= NEAR for similarity in highest),
        "highest_similarity_across_the_split": max(highest, default=0.0),
        "runs_of_13_words_shared_across_the_split": len(
            {gram for sample in test for gram in ngrams(sample.answer)} & grams
        ),
    }


def _signatures(samples: list[Sample]) -> Signature:
    found = [signature for sample in samples if (signature := sign(sample.answer)) is not None]
    return np.stack(found)


def _variety(samples: list[Sample]) -> dict[str, float]:
    instructions = [sample.instruction for sample in samples]
    openings = Counter(" ".join(text.split()[:_OPENING_WORDS]) for text in instructions)
    kinds = Counter(sample.kind.value for sample in samples)
    return {
        "distinct_instructions_share": len(set(instructions)) / len(instructions),
        "distinct_openings": len(openings),
        "commonest_opening_share": openings.most_common(1)[0][1] / len(instructions),
        **{f"kind_{kind}": count for kind, count in sorted(kinds.items())},
    }


def _benchmark(heads: list[DocumentHead], tries: int) -> dict[str, float]:
    policy, now = BuildPolicy(), utc_now()
    seconds: list[float] = []
    made: Draft | None = None
    ids: set[str] = set()
    for attempt in range(tries):
        Random(attempt).shuffle(heads)
        started = time.perf_counter()
        made = draft(AUTHOR, heads, [], policy)
        version, _ = finish(made, None, None, now, policy)
        seconds.append(time.perf_counter() - started)
        ids.add(version.dataset_id)
    assert made is not None
    train, test = list(made.curated.train), list(made.curated.test)
    words = sum(len(head.text.split()) for head in heads)
    return {
        "articles": len(heads),
        "train_samples": len(train),
        "test_samples": len(test),
        "test_documents": len({sample.origin.document_id for sample in test}),
        **{f"dropped_{reason}": count for reason, count in sorted(made.curated.dropped.items())},
        **{f"documents_dropped_{name}": count for name, count in sorted(made.selection.dropped.items())},
        **{f"redacted_{kind}": count for kind, count in sorted(made.selection.redacted.items())},
        "boilerplate_paragraphs": made.selection.boilerplate,
        "words_in_answers_share": sum(len(one.answer.split()) for one in (*train, *test)) / words,
        **_across(train, test),
        **_variety(train),
        "mean_quality": sum(sample.quality for sample in train) / len(train),
        "different_ids_of_shuffled_builds": len(ids),
        "build_seconds": min(seconds),
        "megabytes_per_second": sum(len(head.text) for head in heads) / min(seconds) / 1e6,
    }


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, default=articles_file())
    parser.add_argument("--tries", type=int, default=5, help="builds, each of the articles in another order")
    arguments = parser.parse_args()
    write_result("datasets", _benchmark(_heads(arguments.articles), arguments.tries))


if __name__ == "__main__":
    main()
