"""What is taken for a loop or for garbage, and what is not."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.generation.runaway import RunawayWatch, shortest_period

PROSE = (
    "The harbour master writes the tides into a book every morning, before the first boat leaves. "
    "On Sundays nobody sails, so the page stays empty; he draws a small anchor there instead. "
    "Visitors ask him about the anchors, and he tells them that the sea rests too. "
)


def verdict(text: str, piece: int = 7) -> str | None:
    watch = RunawayWatch()
    pieces = (text[start : start + piece] for start in range(0, len(text), piece))
    return next((wrong for part in pieces if (wrong := watch.feed(part))), None)


class TestLoops:
    @pytest.mark.parametrize("unit", ["ha ", "tide turns ", "Tides turn twice a day here. ", "-", "na\n"])
    def test_the_same_piece_without_end(self, unit: str) -> None:
        assert verdict("It begins well enough. " + unit * 600) == "repetition"

    def test_the_same_sentence_again_and_again_with_others_between(self) -> None:
        random = Random(1)
        noise = ["".join(random.choices("abcdefghij", k=12)) for _ in range(10)]
        text = "".join(f"As I said before, the tide turns twice. Then {word} comes. " for word in noise)
        assert verdict(text) == "repetition"

    def test_it_is_seen_soon(self) -> None:
        watch = RunawayWatch()
        for count in range(1000):
            if watch.feed("over and over "):
                assert count * len("over and over ") < 700
                return
        pytest.fail("never seen")


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            PROSE,
            "".join(f"{n}. item number {n} of the list\n" for n in range(1, 12)),
            "| a | b |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(60)),
            "```\n" + "".join(f"def f{n}():\n    return {n}\n\n" for n in range(40)) + "```\n",
            "Yes.\n" * 20,
            "海の潮は一日に二回変わります。" * 3 + PROSE,
            "Grüße, naïve café 🎉 ✅ → “quoted” …\n" + PROSE,
        ],
    )
    def test_passes(self, text: str) -> None:
        assert verdict(text) is None


class TestGarbage:
    @pytest.mark.parametrize("sign", ["\ufffd", "\x00\x07", "\ue000", "\U0010fffe"])
    def test_what_is_no_text(self, sign: str) -> None:
        assert verdict("Hello. " + f"a{sign}" * 200) == "garbage"


class TestPeriod:
    @given(st.text(alphabet="ab", min_size=1, max_size=40))
    def test_it_is_the_smallest_shift_that_agrees(self, text: str) -> None:
        shifts = [p for p in range(1, len(text) + 1) if text[p:] == text[: len(text) - p]]
        assert shortest_period(text) == shifts[0]
