"""Whether the measures of style tell real authors apart, and whether they find nothing where nothing is.

Most of the real articles are by one author; guests wrote some, and their names stand above the dates. Texts
of another real author can be put beside them with --others: JSON lines with author, title and text. The
sample author, who is made up, is always there. The author's own articles, halved at random, are the control:
between the halves there is no style to find. Folds are made of whole documents, so none is both learnt from
and judged.
"""

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from corpus import AUTHOR, REPOSITORY, articles_file
from results import write_result
from sklearn.metrics import roc_auc_score

from twin_common.documents import Category, DocumentHead, HeadStatus
from twin_feature_stream.cleaning import clean, clean_line
from twin_feature_stream.datasets.assembly import BuildPolicy, draft
from twin_trainer.evaluation.style.authorship import AuthorshipVerifier
from twin_trainer.evaluation.style.delta import AuthorDelta
from twin_trainer.evaluation.style.profiles import function_word_profile, punctuation_profile

_BYLINE = re.compile(r"\n([A-Z][\w.]+(?: [A-Z][\w.]+){0,3})\n\n[A-Z][a-z]{2,8} \d{1,2}, \d{4}\n")
_FOLDS = 5
_PIECE_WORDS = 800
"""Delta and profiles need about so many words; the verifier judges single passages."""


@dataclass(frozen=True)
class Text:
    """A passage, and where it is from."""

    document: str
    text: str


@dataclass
class Scores:
    """What each measure said of texts that it had not seen: whose they are, and how near to the author."""

    by_measure: dict[str, list[tuple[bool, float]]]

    def auc(self, measure: str) -> float:
        """The share of pairs of texts of both sides that the measure orders rightly."""
        mine, scores = zip(*self.by_measure[measure], strict=True)
        return float(roc_auc_score(mine, scores))


def _rows(file: Path, author: str | None = None) -> Iterator[tuple[str, dict[str, str]]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        byline = _BYLINE.search(row["text"][:3000])
        yield author or (byline.group(1) if byline else row["author"]), row


def _passages(rows: Sequence[dict[str, str]], name: str) -> list[Text]:
    """As a dataset has them: without code, tables, copies, and what the platform adds to every page."""
    category = Category.POST if "linkedin" in rows[0].get("url", "") else Category.ARTICLE
    heads = [
        DocumentHead(
            document_id=f"{name}-{number:04}",
            author_id=AUTHOR,
            version=1,
            content_hash="",
            category=category,
            platform="web",
            url=f"https://bench.example/{number}",
            title=clean_line(row["title"]),
            language=None,
            published_at=None,
            text=clean(row["text"], category),
            text_length=len(row["text"]),
            status=HeadStatus.SEARCHABLE,
        )
        for number, row in enumerate(rows)
    ]
    curated = draft(AUTHOR, heads, [], BuildPolicy(least_samples=1)).curated
    return [Text(sample.origin.document_id, sample.answer) for sample in (*curated.train, *curated.test)]


def _fold(document: str) -> int:
    return int(sha256(document.encode()).hexdigest(), 16)


def _compare(mine: Sequence[Text], others: Sequence[Text]) -> Scores:
    """Judge every text by measures that were fitted without its document."""
    folds = min(_FOLDS, *(len({text.document for text in side}) for side in (mine, others)))
    places = {
        document: place % folds
        for side in (mine, others)
        for place, document in enumerate(sorted({text.document for text in side}, key=_fold))
    }
    scores: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    one = np.ones((1, 1))
    for fold in range(folds):
        learnt, judged = (
            [
                [text for text in side if (places[text.document] == fold) is is_judged]
                for side in (mine, others)
            ]
            for is_judged in (False, True)
        )
        author, contrast = ([text.text for text in side] for side in learnt)
        verifier = AuthorshipVerifier.fit(author, contrast, "en")
        delta = AuthorDelta.fit(author, contrast, "en")
        profiles = {
            "function_words": function_word_profile(author, "en"),
            "punctuation": punctuation_profile(author),
        }
        for is_mine, side in zip((True, False), judged, strict=True):
            texts = [text.text for text in side]
            found = verifier.probabilities(texts)
            scores["verifier"] += [(is_mine, float(probability)) for probability in found]
            for piece in _pieces(texts):
                scores["delta"].append((is_mine, -delta.distance(piece)))
                for name, profile in profiles.items():
                    scores[name].append((is_mine, -float(profile.measure([piece]).statistic(one)[0])))
    return Scores(scores)


def _pieces(texts: Sequence[str]) -> list[str]:
    pieces, current, words = [], list[str](), 0
    for text in texts:
        current.append(text)
        words += len(text.split())
        if words >= _PIECE_WORDS:
            pieces.append("\n\n".join(current))
            current, words = [], 0
    return pieces or ["\n\n".join(current)]


def _figures(label: str, mine: Sequence[Text], others: Sequence[Text]) -> dict[str, float]:
    scores = _compare(mine, others)
    right = [(probability > 0.5) is is_mine for is_mine, probability in scores.by_measure["verifier"]]
    return {
        f"{label}_passages": len(others),
        f"{label}_verifier_auc": scores.auc("verifier"),
        f"{label}_verifier_accuracy": sum(right) / len(right),
        **{f"{label}_{name}_auc": scores.auc(name) for name in ("delta", "function_words", "punctuation")},
    }


def _benchmark(articles: Path, others: Path | None) -> dict[str, float]:
    started = time.perf_counter()
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for author, row in _rows(articles):
        rows[author].append(row)
    main_author, count = Counter({author: len(of) for author, of in rows.items()}).most_common(1)[0]
    mine = _passages(rows.pop(main_author), "main")
    figures: dict[str, float] = {"articles_of_the_author": count, "passages_of_the_author": len(mine)}
    if rows:
        guests = [text for name, of in rows.items() for text in _passages(of, name)]
        figures |= {"guests": len(rows), **_figures("guests", mine, guests)}
    if others is not None:
        theirs = [row for _, row in _rows(others, "others")]
        figures |= _figures("other_author", mine, _passages(theirs, "others"))
    sample = [row for _, row in _rows(REPOSITORY / "samples/posts.jsonl", "sample")]
    figures |= _figures("sample_author", mine, _passages(sample, "sample"))
    halves: tuple[list[Text], list[Text]] = ([], [])
    for text in mine:
        halves[_fold(f"half {text.document}") % 2].append(text)
    figures |= _figures("same_author", *halves)
    return figures | {"seconds": time.perf_counter() - started}


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, default=articles_file())
    parser.add_argument("--others", type=Path, help="texts of one other real author, as JSON lines")
    arguments = parser.parse_args()
    write_result("style", _benchmark(arguments.articles, arguments.others))


if __name__ == "__main__":
    main()
