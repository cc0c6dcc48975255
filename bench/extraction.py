"""How well the article is told from the rest of the page, and how fast.

    python bench/extraction.py --pages DIR

DIR holds for each page NAME.html, as it was received, and NAME.txt, the article's body as plain text.
No pages are in the repository; public evaluation sets convert into this form in a few lines. The measure
is the usual one of article extraction: texts are bags of four-word shingles, precision and recall are
means over the pages, and F1 is their harmonic mean. Trafilatura's own output is measured beside;
intervals are 95 % bootstrap intervals over the pages.
"""

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from results import write_result
from trafilatura import extract

from twin_crawler.extraction import extract_file

_SHINGLE = 4
_RESAMPLES = 1000
_URL = "https://pages.example.org/article"

Score = tuple[float, float]
"""Precision and recall of one page."""


@dataclass
class Runs:
    """The scores of one extractor, page by page, and the CPU seconds it took."""

    scores: list[Score] = field(default_factory=list)
    seconds: float = 0.0


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The bag of four-word shingles; a shorter text is one shingle."""
    words = re.findall(r"\w+", text)
    count = max(1, len(words) - _SHINGLE + 1) if words else 0
    return Counter(tuple(words[start : start + _SHINGLE]) for start in range(count))


def score(found: str, expected: str) -> Score:
    """The precision and recall of a text; of no text both are 0."""
    ours, theirs = shingles(found), shingles(expected)
    both = (ours & theirs).total()
    return both / max(1, ours.total()), both / max(1, theirs.total())


def f1(scores: Sequence[Score]) -> float:
    """The harmonic mean of the mean precision and the mean recall."""
    precision = sum(found for found, _ in scores)
    recall = sum(found for _, found in scores)
    return 2 * precision * recall / (precision + recall) / len(scores) if precision + recall else 0.0


def interval(scores: Sequence[Score]) -> tuple[float, float]:
    """The 95 % bootstrap interval of F1; seeded, so that two runs agree."""
    chance = random.Random(0)
    drawn = sorted(f1(chance.choices(scores, k=len(scores))) for _ in range(_RESAMPLES))
    return drawn[int(0.025 * _RESAMPLES)], drawn[int(0.975 * _RESAMPLES)]


def pages(folder: Path) -> Iterator[tuple[bytes, str]]:
    """Each page's bytes and the text expected of it."""
    for page in sorted(folder.glob("*.html")):
        expected = page.with_suffix(".txt")
        if expected.exists():
            yield page.read_bytes(), expected.read_text()


def measure(folder: Path) -> dict[str, Runs]:
    """Both extractors over all pages, in turn, so that a busy machine slows both alike."""
    extractors: dict[str, Callable[[bytes], str]] = {
        "twin": lambda body: extract_file(body, _URL)["text"] or "",
        "trafilatura": lambda body: extract(body, url=_URL, include_comments=False) or "",
    }
    runs = {name: Runs() for name in extractors}
    for body, expected in pages(folder):
        for name, extractor in extractors.items():
            started = time.process_time()
            found = extractor(body)
            runs[name].seconds += time.process_time() - started
            runs[name].scores.append(score(found, expected))
    return runs


def main() -> None:
    """Measure a folder of pages and write `bench/results/extraction.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=Path, required=True, help="a folder of NAME.html and NAME.txt")
    folder = parser.parse_args().pages
    figures: dict[str, float] = {}
    for name, runs in measure(folder).items():
        count = len(runs.scores)
        if not count:
            sys.exit(f"{folder} holds no NAME.html with its NAME.txt")
        low, high = interval(runs.scores)
        figures |= {
            "pages": count,
            f"{name}_precision": sum(precision for precision, _ in runs.scores) / count,
            f"{name}_recall": sum(recall for _, recall in runs.scores) / count,
            f"{name}_f1": f1(runs.scores),
            f"{name}_f1_low": low,
            f"{name}_f1_high": high,
            f"{name}_cpu_ms_per_page": 1000 * runs.seconds / count,
        }
    write_result("extraction", figures)


if __name__ == "__main__":
    main()
