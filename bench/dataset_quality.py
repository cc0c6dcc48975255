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
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

import numpy as np
from corpus import AUTHOR, articles_file
from results import write_result

from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentHead, HeadStatus
from twin_feature_stream.cleaning import clean, clean_line
from twin_feature_stream.datasets.assembly import BuildPolicy, Draft, draft, finish
from twin_feature_stream.datasets.copies import ngrams
from twin_feature_stream.datasets.redaction import redact
from twin_feature_stream.datasets.samples import Sample
from twin_feature_stream.duplicates import NEAR
from twin_feature_stream.signature import Signature, sign

_OPENING_WORDS = 3
_SEEDED = 40
"""How many secrets of each kind are put into articles."""


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


def _redaction(heads: list[DocumentHead], tries: int) -> dict[str, float]:
    """The share of made-up secrets and addresses that is gone, each put somewhere into an article's text."""
    random = Random(1)
    kinds = dict.fromkeys(_secrets(random), 0)
    for _ in range(tries):
        for name, (frame, secret) in _secrets(random).items():
            text = random.choice(heads).text
            place = text.find(" ", random.randrange(len(text) // 2))
            seeded = f"{text[:place]}\n{frame.format(secret)}\n{text[place:]}"
            kinds[name] += secret not in redact(seeded)[0]
    return {f"redacted_of_seeded_{name}": count / tries for name, count in kinds.items()}


def _secrets(random: Random) -> dict[str, tuple[str, str]]:
    """A line of prose or code, and what stands in it, of each kind."""

    def some(alphabet: str, count: int) -> str:
        return "".join(random.choices(alphabet, k=count))

    mixed, upper = ascii_letters + digits, ascii_uppercase + digits
    name, street = some(ascii_lowercase, 7), some(ascii_lowercase, 8).capitalize()
    return {
        "aws_key": ('client = connect("{}")', "AKIA" + some(upper, 16)),
        "github_token": ("git clone with {} as it is", "ghp_" + some(mixed, 36)),
        "model_api_key": ('    api_key="{}",', "sk-" + some(mixed, 48)),
        "hub_token": ("export HF_TOKEN={}", "hf_" + some(mixed, 34)),
        "assigned_secret": ('password = "{}"', some(mixed, 20)),
        "bearer_token": ("Authorization: Bearer {}", some(mixed, 32)),
        "url_password": ("mongodb://app:{}@db.example:27017/x", some(mixed, 14)),
        "email": ("Write to {} about it.", f"{name}@{some(ascii_lowercase, 6)}.example"),
        "phone": ("Call {} at night.", f"+49 {some(digits, 3)} {some(digits, 7)}"),
        "english_address": ("I live at {} now.", f"{random.randint(1, 999)} {street} Street"),
        "german_address": ("Ich wohne {} jetzt.", f"{street}straße {random.randint(1, 99)}"),
    }


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
        **_redaction(heads, _SEEDED),
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
