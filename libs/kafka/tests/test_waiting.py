"""A transient error is waited out and told; any other one comes through at once."""

import pytest

from twin_kafka import waiting
from twin_kafka.waiting import until_done


class _Server:
    """Answers after some attempts in vain."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    async def ask(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "here"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "RETRY_SECONDS", 0.0)


async def test_it_is_tried_again_until_it_answers_and_each_reason_is_told() -> None:
    told: list[str] = []
    server = _Server(OSError("away"), TimeoutError("slow"))
    assert await until_done(server.ask, "waiting", OSError, TimeoutError, tell=told.append) == "here"
    assert told == ["waiting: away", "waiting: slow"]


async def test_another_error_is_not_waited_out() -> None:
    with pytest.raises(ValueError, match="wrong"):
        await until_done(_Server(ValueError("wrong")).ask, "waiting", OSError)
