"""The headers around every request."""

import pytest

from .conftest import Api, StartApi


class TestRequestId:
    async def test_the_callers_own_comes_back(self, api: Api) -> None:
        answer = await api.http.get("/livez", headers={"X-Request-ID": "trace-7:a.b"})
        assert answer.headers["X-Request-ID"] == "trace-7:a.b"

    @pytest.mark.parametrize("given", [None, "", "x" * 65, "two words", 'a"b', "é"])
    async def test_otherwise_each_gets_one(self, api: Api, given: str | None) -> None:
        headers = [] if given is None else [(b"X-Request-ID", given.encode("latin-1"))]
        answers = [await api.http.get("/livez", headers=headers) for _ in range(2)]
        names = {answer.headers["X-Request-ID"] for answer in answers}
        assert len(names) == 2
        assert given not in names


class TestOtherOrigins:
    async def test_none_may_call_unless_it_is_named(self, start_api: StartApi) -> None:
        asking = {"Origin": "https://notes.example", "Access-Control-Request-Method": "POST"}
        closed = await start_api()
        answer = await closed.http.options("/v1/search", headers=asking)
        assert "access-control-allow-origin" not in answer.headers
        opened = await start_api(cors_origins=("https://notes.example",))
        answer = await opened.http.options("/v1/search", headers=asking)
        assert answer.headers["access-control-allow-origin"] == "https://notes.example"
        asking["Origin"] = "https://other.example"
        answer = await opened.http.options("/v1/search", headers=asking)
        assert "access-control-allow-origin" not in answer.headers
