import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from twin_trainer.evaluation.judge import (
    Judged,
    Judgement,
    JudgeSettings,
    OpenAICompatibleJudge,
    Retrying,
    parse_judgement,
)

_GOOD = '{"accuracy": 3, "style": 2, "why": "right"}'
_TEXT = Judged("Write.", "Mine {braces}.", "A text.")


class FakeServer(ThreadingHTTPServer):
    """Answers in turn with what it was given: a status, or the text of a completion."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int | str] = []
        self.asked: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(json.loads(body))
        answer = self.server.answers.pop(0)
        self.send_response(answer if isinstance(answer, int) else 200)
        self.end_headers()
        if isinstance(answer, str):
            self.wfile.write(json.dumps({"choices": [{"message": {"content": answer}}]}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def _judge(server: FakeServer) -> OpenAICompatibleJudge:
    settings = JudgeSettings(url=f"http://127.0.0.1:{server.server_port}/v1", model="judge", concurrency=1)
    return OpenAICompatibleJudge(settings, Retrying((0.0, 0.0)))


@pytest.mark.parametrize(
    ("text", "grades"),
    [
        (_GOOD, (3, 2)),
        (f"Sure! Here you are:\n```json\n{_GOOD}\n```", (3, 2)),
        ('{"accuracy": 9, "style": 2} no: {"accuracy": 1, "style": 1}', (1, 1)),
        ('{"accuracy": 4, "style": 2}', None),
        ('{"accuracy": 3}', None),
        ("[3, 3]", None),
        ("It is good {really}", None),
        ("", None),
    ],
)
def test_grades_are_found_whatever_is_said_around_them(text: str, grades: tuple[int, int] | None) -> None:
    found = parse_judgement(text)
    assert (found and (found.accuracy, found.style)) == grades


def test_a_judge_is_asked_by_schema_and_shown_all_three_texts(server: FakeServer) -> None:
    server.answers = [_GOOD]
    assert _judge(server).judge([_TEXT]) == [Judgement(accuracy=3, style=2, why="right")]
    (asked,) = server.asked
    assert asked["response_format"]["type"] == "json_schema"
    assert all(text in asked["messages"][0]["content"] for text in ("Write.", "Mine {braces}.", "A text."))


def test_a_judge_that_fails_or_rambles_is_asked_again(server: FakeServer) -> None:
    server.answers = [503, "No idea.", _GOOD]
    assert _judge(server).judge([_TEXT]) == [Judgement(accuracy=3, style=2, why="right")]


def test_a_server_that_knows_no_schemas_is_asked_without(server: FakeServer) -> None:
    server.answers = [400, _GOOD]
    assert _judge(server).judge([_TEXT])[0] is not None
    assert "response_format" not in server.asked[1]


def test_a_judge_that_keeps_failing_leaves_no_grade_for_that_text_alone(server: FakeServer) -> None:
    server.answers = [500, 500, 500, _GOOD]
    first, second = _judge(server).judge([_TEXT, _TEXT])
    assert first is None
    assert second is not None
