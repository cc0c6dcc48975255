"""How well near copies are told from distinct texts, on edited copies of the real articles.

A copy is an article whose words were changed at random places: replaced, left out or doubled, until a share
of the words is touched. Distinct texts are all pairs of different articles.
"""

import argparse
import json
from itertools import combinations
from pathlib import Path
from random import Random

from corpus import articles_file
from results import write_result

from twin_common.documents import Category
from twin_feature_stream.cleaning import clean
from twin_feature_stream.duplicates import NEAR
from twin_feature_stream.signature import Signature, bands, sign, similarity

_SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1)
_FRAME = "Originally published at example.com. Thanks for reading; subscribe to get the next one by mail."
_CUT = 0.1


def _edited(text: str, share: float, random: Random) -> str:
    words = text.split(" ")
    for _ in range(round(len(words) * share)):
        place = random.randrange(len(words))
        words[place : place + 1] = random.choice([["rewritten"], [], [words[place]] * 2])
    return " ".join(words)


def _signature(text: str) -> Signature:
    signature = sign(text)
    if signature is None:
        raise ValueError("an article is too short to be compared")
    return signature


def _is_found(one: Signature, other: Signature) -> bool:
    return bool(set(bands(one, "")) & set(bands(other, ""))) and similarity(one, other) >= NEAR


def _benchmark(file: Path, tries: int) -> dict[str, float]:
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    texts = [clean(row["text"], Category.ARTICLE) for row in rows]
    originals = [_signature(text) for text in texts]
    random = Random(1)
    figures: dict[str, float] = {"articles": len(texts), "threshold": NEAR}
    for share in _SHARES:
        found = [
            _is_found(original, _signature(_edited(text, share, random)))
            for text, original in zip(texts, originals, strict=True)
            for _ in range(tries)
        ]
        figures[f"found_with_{share:.0%}_of_words_edited"] = sum(found) / len(found)
    framed = [
        _is_found(one, _signature(f"{text}\n\n{_FRAME}")) for one, text in zip(originals, texts, strict=True)
    ]
    figures["found_with_a_line_added"] = sum(framed) / len(framed)
    cut = [
        _is_found(one, _signature(text[: round(len(text) * (1 - _CUT))]))
        for one, text in zip(originals, texts, strict=True)
    ]
    figures["found_with_the_last_tenth_missing"] = sum(cut) / len(cut)
    pairs = list(combinations(originals, 2))
    figures["distinct_pairs"] = len(pairs)
    figures["distinct_pairs_taken_for_copies"] = sum(_is_found(*pair) for pair in pairs)
    highest = sorted((similarity(*pair) for pair in pairs), reverse=True)
    figures["highest_similarity_of_distinct"], figures["second_highest_similarity_of_distinct"] = highest[:2]
    return figures


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, default=articles_file())
    parser.add_argument("--tries", type=int, default=5, help="edited copies of each article and share")
    arguments = parser.parse_args()
    write_result("duplicates", _benchmark(arguments.articles, arguments.tries))


if __name__ == "__main__":
    main()
