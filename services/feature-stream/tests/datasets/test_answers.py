import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from twin_feature_stream.datasets.answers import AskingPolicy, Question, ask
from twin_feature_stream.datasets.chat_model import ModelFailure, ModelSettings, OpenAICompatibleModel

from .material import FakeModel

_FOUR = AskingPolicy(concurrency=4, retry_seconds=(0, 0), failures_in_a_row=5)


def questions(count: int) -> list[Question]:
    return [Question(({"role": "user", "content": "x" * number},), max_tokens=10) for number in range(count)]


async def test_answers_stand_in_the_order_of_the_questions_and_several_are_open_at_once(
    tmp_path: Path,
) -> None:
    model = FakeModel()
    answers = await ask(model, questions(20), tmp_path / "answers", _FOUR)
    assert answers.texts == [f"Answer number {number} to a question" for number in range(20)]
    assert 1 < model.most_open <= 4
    assert (answers.asked, answers.cached) == (20, 0)


async def test_what_was_answered_once_is_not_asked_again(tmp_path: Path) -> None:
    await ask(FakeModel(), questions(7), tmp_path / "answers", _FOUR)
    model = FakeModel()
    answers = await ask(model, questions(10), tmp_path / "answers", _FOUR)
    assert (answers.asked, answers.cached) == (3, 7)
    assert len(model.asked) == 3
    assert None not in answers.texts


async def test_another_model_and_another_length_are_other_questions(tmp_path: Path) -> None:
    await ask(FakeModel(), questions(1), tmp_path / "answers", _FOUR)
    other = FakeModel()
    other.name = "other"
    assert (await ask(other, questions(1), tmp_path / "answers", _FOUR)).asked == 1
    longer = [Question(questions(1)[0].messages, max_tokens=11)]
    assert (await ask(FakeModel(), longer, tmp_path / "answers", _FOUR)).asked == 1


async def test_a_model_that_is_down_is_given_up_and_asked_at_the_next_build(tmp_path: Path) -> None:
    down = FakeModel("timeout")
    answers = await ask(down, questions(100), tmp_path / "answers", _FOUR)
    assert answers.texts == [None] * 100
    assert 5 <= len(down.asked) < 5 + 4
    assert answers.failures.total() == 100
    assert answers.failures["timeout"] == len(down.asked)
    again = await ask(FakeModel(), questions(100), tmp_path / "answers", _FOUR)
    assert again.asked == 100


async def test_what_may_pass_is_tried_again_and_what_may_not_is_not(tmp_path: Path) -> None:
    busy, slow = FakeModel("status_429", failures=2), FakeModel("timeout", failures=1)
    answers = await ask(busy, questions(1), tmp_path / "busy", _FOUR)
    assert answers.texts != [None]
    assert len(busy.asked) == 3
    answers = await ask(slow, questions(1), tmp_path / "slow", _FOUR)
    assert answers.texts == [None]
    assert len(slow.asked) == 1


async def test_progress_reaches_the_end_whatever_happens(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    await ask(FakeModel("empty"), questions(9), tmp_path / "answers", _FOUR, lambda *step: seen.append(step))
    assert seen == [(number, 9) for number in range(1, 10)]


@pytest.fixture
async def model() -> AsyncIterator[OpenAICompatibleModel]:
    settings = ModelSettings(url="http://model.example/v1", model="m", api_key=SecretStr("key"))
    model = OpenAICompatibleModel(settings)
    yield model
    await model.aclose()


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> list[httpx.Request]:
    asked: list[httpx.Request] = []

    async def handle(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    return asked


async def test_the_model_is_asked_as_openai_is(
    model: OpenAICompatibleModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"choices": [{"message": {"content": " Hello. "}}]}
    asked = answer_with(monkeypatch, httpx.Response(200, json=body))
    assert await model.complete([{"role": "user", "content": "Hi"}], 7) == "Hello."
    (request,) = asked
    assert str(request.url) == "http://model.example/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer key"
    assert b'"max_tokens":7' in request.content


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(503), "status_503"),
        (httpx.Response(200, text="<html>"), "malformed"),
        (httpx.Response(200, json={"choices": []}), "malformed"),
        (httpx.Response(200, json={"choices": None}), "malformed"),
        (httpx.Response(200, json={"choices": [{"message": {"content": None}}]}), "empty"),
        (httpx.Response(200, json={"choices": [{"message": {"content": "  "}}]}), "empty"),
        (httpx.ReadTimeout("slow"), "timeout"),
        (httpx.ConnectError("refused"), "connection"),
    ],
)
async def test_what_is_no_answer_is_a_failure_with_a_reason(
    model: OpenAICompatibleModel,
    monkeypatch: pytest.MonkeyPatch,
    answer: httpx.Response | Exception,
    reason: str,
) -> None:
    answer_with(monkeypatch, answer)
    with pytest.raises(ModelFailure) as failure:
        await model.complete([{"role": "user", "content": "Hi"}], 7)
    assert failure.value.reason == reason


async def test_a_server_that_sends_a_byte_now_and_then_is_given_up() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    settings = ModelSettings(url=f"http://{host}:{port}/v1", model="m", timeout_seconds=0.5)
    async with contextlib.aclosing(OpenAICompatibleModel(settings)) as model:
        with pytest.raises(ModelFailure) as failure:
            async with asyncio.timeout(120):
                await model.complete([{"role": "user", "content": "Hi"}], 7)
    server.close()
    assert failure.value.reason == "timeout"
