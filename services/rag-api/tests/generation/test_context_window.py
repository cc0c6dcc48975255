"""What gives way when a prompt is longer than the window."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from twin_rag_api.errors import InvalidRequest
from twin_rag_api.generation.context_window import fit
from twin_rag_api.generation.engines import ContextWindow, Sampling, Source, Task, Turn
from twin_rag_api.generation.token_counting import EstimatedTokens, FileTokens, UnreadableTokenizer
from twin_rag_api.retrieval.passages import Passage

from ..conftest import chunk


class Words:
    """A model for which every word is a token."""

    def __init__(self) -> None:
        self.calls = 0

    async def count(self, texts: Sequence[str]) -> list[int]:
        self.calls += 1
        return [len(text.split()) for text in texts]


def window(tokens: int, counter: Words | None = None) -> ContextWindow:
    return ContextWindow(tokens, tokens, answer_tokens=50, counter=counter or Words())


def task(turns: int = 0, sources: int = 0, words: int = 40) -> Task:
    text = "word " * words
    return Task(
        question="why?",
        sources=tuple(Source(n, Passage(chunk(text), 0.5, text)) for n in range(1, sources + 1)),
        history=tuple(Turn("user" if n % 2 == 0 else "assistant", f"{n} {text}") for n in range(turns)),
    )


class TestGivingWay:
    async def test_the_oldest_turns_go_first_and_it_is_told(self) -> None:
        whole = task(turns=10, sources=2)
        fitted, notices = await fit(whole, window(600))
        assert fitted.sources == whole.sources
        assert 0 < len(fitted.history) < 10
        assert fitted.history == whole.history[-len(fitted.history) :]
        [notice] = notices
        assert notice.code == "turns_left_out"
        assert str(10 - len(fitted.history)) in notice.detail

    async def test_then_the_least_fitting_sources(self) -> None:
        whole = task(turns=4, sources=5, words=60)
        fitted, notices = await fit(whole, window(440))
        assert fitted.history == ()
        assert 0 < len(fitted.sources) < 5
        assert fitted.sources == whole.sources[: len(fitted.sources)]
        assert [notice.code for notice in notices] == ["turns_left_out", "sources_left_out"]

    async def test_a_question_that_does_not_fit_is_refused_with_the_numbers(self) -> None:
        with pytest.raises(InvalidRequest, match=r"the question alone has \d+ tokens"):
            await fit(task(), window(100))

    async def test_a_long_answer_leaves_less_room(self) -> None:
        asked = Task("why?", (), task(turns=10).history, sampling=Sampling(max_tokens=400))
        short, _ = await fit(asked, window(800))
        long, _ = await fit(Task("why?", (), asked.history), window(800))
        assert len(short.history) < len(long.history)

    async def test_a_prompt_that_fits_by_its_bytes_is_not_even_counted(self) -> None:
        counter = Words()
        whole = task(turns=2)
        assert await fit(whole, window(100_000, counter)) == (whole, ())
        assert counter.calls == 0


class TestEstimate:
    @given(st.text(max_size=200))
    async def test_it_is_half_the_bytes_and_never_nothing_for_something(self, text: str) -> None:
        [count] = await EstimatedTokens().count([text])
        assert count * 2 >= len(text.encode()) > (count - 1) * 2 or (count == 0 and not text)


class TestFile:
    async def test_it_counts_as_the_tokenizer_does(self, tmp_path: Path) -> None:
        tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "tides": 1}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        assert await FileTokens(tmp_path / "tokenizer.json").count(["tides turn", ""]) == [2, 0]

    def test_any_other_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.json").write_text("{}")
        with pytest.raises(UnreadableTokenizer, match=r"x\.json"):
            FileTokens(tmp_path / "x.json")
