"""Answers pass unchanged, and what is kept says how they ended, whatever becomes of them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from twin_rag_api.generation.answer import AnswerEnd, Outcome
from twin_rag_api.generation.engines import Finish, Usage
from twin_rag_api.retrieval.passages import SearchFilters
from twin_rag_api.traces.recorder import CapturePolicy, TraceRecorder
from twin_rag_api.traces.redaction import redacted, unchanged
from twin_rag_api.traces.trace import Asked, Quality, Trace

from ..conftest import ADA

ASKED = Asked(
    "chatcmpl-1",
    ADA,
    "mail ada@mail.example?",
    sources=(),
    prompt_version="answer.v1",
    filters=SearchFilters(platform="x"),
)
END = AnswerEnd(
    (), Usage(7, 3), Finish("stop"), Outcome.ANSWERED, "small", "answer.v1", "Write to ada@mail.example."
)


class Kept:
    """A store that can be away."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.is_away = False

    async def put_many(self, traces: Sequence[Trace]) -> None:
        if self.is_away:
            raise ServerSelectionTimeoutError("away")
        self.traces += traces


class NoJudge:
    """Has no opinion."""

    async def judge(self, *_: object) -> Quality:
        raise AssertionError("an answer without sources is not judged")


async def written(*pieces: str | AnswerEnd | Exception) -> AsyncGenerator[str | AnswerEnd, None]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def recorder(kept: Kept, *, content: bool = True, redact: bool = True) -> TraceRecorder:
    return TraceRecorder(kept, NoJudge(), CapturePolicy(content, redacted if redact else unchanged))  # type: ignore[arg-type]


async def observed(kept: Kept, *pieces: str | AnswerEnd | Exception, content: bool = True) -> Trace:
    watching = recorder(kept, content=content)
    passed = [piece async for piece in watching.observe(ASKED, written(*pieces))]
    assert passed == list(pieces)
    await watching.close()
    (trace,) = kept.traces
    return trace


class TestObserving:
    async def test_a_whole_answer(self) -> None:
        trace = await observed(Kept(), "Ice ", "is here.", END)
        assert (trace.question, trace.answer) == ("mail [e-mail]?", "Ice is here.")
        assert trace.filters == {"platform": "x"}
        assert (trace.outcome, trace.model, trace.prompt_version) == (Outcome.ANSWERED, "small", "answer.v1")
        assert (trace.input_tokens, trace.output_tokens, trace.finish_reason) == (7, 3, "stop")
        assert trace.times.first_token is not None
        assert 0 <= trace.times.first_token <= trace.times.generation

    async def test_without_content_only_numbers_are_kept(self) -> None:
        trace = await observed(Kept(), "Ice.", END, content=False)
        assert (trace.question, trace.answer, trace.variants, trace.filters) == (None, None, (), {})
        assert trace.output_tokens == 3

    async def test_a_caller_who_goes_away(self) -> None:
        kept = Kept()
        watching = recorder(kept)
        async with aclosing(watching.observe(ASKED, written("Ice ", "is here.", END))) as pieces:
            assert await anext(pieces) == "Ice "
        await watching.close()
        assert (kept.traces[0].outcome, kept.traces[0].answer) == (Outcome.CANCELLED, "Ice ")

    async def test_an_answer_that_fails_still_fails_for_the_caller(self) -> None:
        kept = Kept()
        watching = recorder(kept)
        with pytest.raises(RuntimeError, match="broken"):
            [piece async for piece in watching.observe(ASKED, written("Ice ", RuntimeError("broken")))]
        await watching.close()
        assert kept.traces[0].outcome is Outcome.FAILED

    async def test_a_store_that_is_away_harms_no_answer_and_later_ones_are_kept(self) -> None:
        kept = Kept()
        watching = recorder(kept)
        kept.is_away = True
        assert [piece async for piece in watching.observe(ASKED, written("Ice.", END))] == ["Ice.", END]
        await watching.settle()
        kept.is_away = False
        assert [piece async for piece in watching.observe(ASKED, written("Snow.", END))] == ["Snow.", END]
        await watching.close()
        assert [trace.answer for trace in kept.traces] == ["Snow."]
