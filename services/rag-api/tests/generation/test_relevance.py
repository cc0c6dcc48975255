"""When an answer is tried."""

import pytest

from twin_rag_api.generation.relevance import RelevancePolicy, is_answerable
from twin_rag_api.retrieval.names import names_in
from twin_rag_api.retrieval.passages import Passage

from ..conftest import chunk

POLICY = RelevancePolicy(least_score=0.3, least_score_with_unknown_names=0.6)


def passages(*scores: float) -> list[Passage]:
    return [Passage(chunk("text"), score, "text") for score in scores]


class TestAnswerable:
    @pytest.mark.parametrize(
        ("scores", "unknown", "names", "expected"),
        [
            ((), 0, 0, False),
            ((0.29,), 0, 0, False),
            ((0.31,), 0, 0, True),
            ((0.31, 0.1), 0, 2, True),
            ((0.5,), 1, 2, False),
            ((0.5,), 1, 3, True),
            ((0.5,), 1, 1, False),
            ((0.61,), 1, 1, True),
        ],
    )
    def test_table(self, scores: tuple[float, ...], unknown: int, names: int, expected: bool) -> None:
        assert is_answerable(passages(*scores), unknown, names, POLICY) is expected


class TestNames:
    @pytest.mark.parametrize(
        ("question", "expected"),
        [
            ("How is Kafka set up with Avro?", ["Kafka", "Avro"]),
            ("Kafka is what?", []),
            ("What does alarm E-0562 mean?", ["E-0562"]),
            ("which value has max_slot_wal_keep_size", ["max_slot_wal_keep_size"]),
            ("Why do GPUs and CPUs grow apart?", ["GPU", "CPU"]),
            ("I asked. Then what is the answer?", []),
            ("Wie groß ist die Waschmaschine im Keller?", []),
            ("Was macht KX-4471 im Keller?", ["KX-4471"]),
            ("", []),
        ],
    )
    def test_table(self, question: str, expected: list[str]) -> None:
        assert names_in(question) == expected

    def test_a_pasted_page_of_names_is_cut(self) -> None:
        assert len(names_in("the " + " ".join(f"Name{n}x" for n in range(1000)))) == 16
