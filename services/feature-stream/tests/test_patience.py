from typing import Any

import httpx
import pytest
from pymongo.errors import ServerSelectionTimeoutError
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from twin_common.errors import ServerUnavailable
from twin_feature_stream.patience import Patience, RetryPolicy, is_refusal, is_transient
from twin_feature_stream.readiness import Readiness, Stopping, StopSignal


def response(status: int) -> UnexpectedResponse:
    return UnexpectedResponse(status, "", b"", httpx.Headers())


AWAY = ResponseHandlingException(httpx.ConnectError("connection refused"))


class Server:
    """Away for some calls, then there."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def call(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "here"


def patience(policy: RetryPolicy, stop: StopSignal | None = None) -> tuple[Patience, Readiness]:
    readiness = Readiness()
    readiness.found("service")
    return Patience(policy, readiness, stop or StopSignal()), readiness


class TestWaitFor:
    async def test_it_waits_and_says_what_for(self) -> None:
        waiting, readiness = patience(RetryPolicy(first=0.01))
        seen: list[str | None] = []
        server = Server(AWAY, response(503), ServerSelectionTimeoutError("no servers"))

        async def call() -> str:
            seen.append(readiness.problem())
            return await server.call()

        assert await waiting.wait_for("the vector store", call) == "here"
        assert seen[1] == "waiting for the vector store does not answer: connection refused"
        assert readiness.problem() is None

    async def test_it_gives_up_loudly(self) -> None:
        waiting, _ = patience(RetryPolicy(first=0.01, give_up_after=0.05))
        with pytest.raises(ServerUnavailable, match=r"the warehouse does not answer.*start it"):
            await waiting.wait_for("the warehouse", Server(*[AWAY] * 50).call)

    async def test_it_obeys_the_signal_to_stop(self) -> None:
        stop = StopSignal()
        stop.set()
        waiting, _ = patience(RetryPolicy(first=10), stop)
        with pytest.raises(Stopping):
            await waiting.wait_for("Kafka", Server(AWAY).call)

    async def test_other_errors_pass(self) -> None:
        waiting, _ = patience(RetryPolicy(first=10))
        with pytest.raises(UnexpectedResponse):
            await waiting.wait_for("the vector store", Server(response(404)).call)


@pytest.mark.parametrize(
    ("error", "transient", "refusal"),
    [
        (AWAY, True, False),
        (response(503), True, False),
        (response(429), True, False),
        (response(400), False, True),
        (response(413), False, True),
        (response(401), True, False),
        (response(403), True, False),
        (response(404), False, False),
        (ValueError("not JSON compliant"), False, True),
        (KeyError("a bug"), False, False),
    ],
)
def test_what_may_pass_and_what_never_will(error: Any, transient: bool, refusal: bool) -> None:
    assert (is_transient(error), is_refusal(error)) == (transient, refusal)
