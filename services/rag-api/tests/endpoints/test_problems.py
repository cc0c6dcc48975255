"""Every error is problem details, on every route, and tells nothing that is not the caller's."""

import json
from typing import Any

import httpx
import pytest

from ..conftest import ADA, BOB, Api, StartApi

NO_RUN = "7d1f0a3e-8c8e-4a39-9d53-0d4b3c8f9e11"
SHARED = pytest.mark.asyncio(loop_scope="module")

ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/search", {"query": "tide"}),
    ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "tide"}]}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/twin", None),
    ("GET", "/v1/twins", None),
    ("GET", f"/v1/models/{NO_RUN}/report", None),
    ("POST", f"/v1/models/{NO_RUN}/approve", {"reason": "sounds right"}),
    ("POST", f"/v1/models/{NO_RUN}/reject", {"reason": "sounds wrong"}),
    ("POST", f"/v1/models/{NO_RUN}/rollback", {"reason": "sounds wrong"}),
    ("GET", "/v1/datasets", None),
    ("GET", "/v1/traces", None),
    ("GET", f"/v1/traces/{NO_RUN}", None),
    ("GET", "/v1/documents", None),
    ("GET", f"/v1/documents/{NO_RUN}/text?chunk_index=0", None),
    ("POST", "/v1/crawls", {"links": ["https://ada.example/"]}),
    ("GET", f"/v1/crawls/{NO_RUN}", None),
    ("GET", f"/v1/documents/{NO_RUN}", None),
    ("GET", "/v1/author", None),
    ("PUT", "/v1/author", {"name": "Ada"}),
    ("DELETE", "/v1/author?confirm=nobody", None),
    ("GET", "/v1/presets", None),
    ("GET", "/v1/drafts", None),
    ("POST", "/v1/drafts", {"preset": "post", "text": "Tides turn."}),
    ("GET", f"/v1/drafts/{NO_RUN}", None),
    ("PUT", f"/v1/drafts/{NO_RUN}", {"text": "Tides turn."}),
    ("DELETE", f"/v1/drafts/{NO_RUN}", None),
    ("POST", "/v1/feedback", {"completion_id": "1", "prompt": "a", "answer": "b", "rating": "up"}),
]


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The response's problem details, checked for their shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == response.request.url.path
    assert body["error"]["message"] == body["detail"]
    return body


@SHARED
class TestKey:
    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    @pytest.mark.parametrize(
        "header", [None, "Bearer twin_wrong", "Bearer", "Basic YTpi", "Bearer " + "x" * 5000]
    )
    async def test_without_the_right_key_every_route_answers_401(
        self, shared_api: Api, method: str, path: str, body: Any, header: str | None
    ) -> None:
        headers = {"Authorization": header} if header else {}
        response = await shared_api.http.request(method, path, json=body, headers=headers)
        problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")

    async def test_the_table_above_names_every_route(self, shared_api: Api) -> None:
        paths = (await shared_api.http.get("/openapi.json")).json()["paths"]
        known = {
            (
                method,
                path.partition("?")[0]
                .replace(f"/documents/{NO_RUN}", "/documents/{document_id}")
                .replace(f"/drafts/{NO_RUN}", "/drafts/{draft_id}")
                .replace(f"/models/{NO_RUN}", "/models/{model_id}")
                .replace(f"/traces/{NO_RUN}", "/traces/{trace_id}")
                .replace(NO_RUN, "{run_id}")
                .replace("/models/twin", "/models/{model}"),
            )
            for method, path, _ in ROUTES
        }
        served = {(m.upper(), path) for path, ms in paths.items() if path.startswith("/v1") for m in ms}
        assert served == known


@SHARED
class TestRequests:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "query"),
            ({"query": ""}, "query"),
            ({"query": " \n\t "}, "query"),
            ({"query": "x" * 100_000}, "query"),
            ({"query": 7}, "query"),
            ({"query": "x", "limit": 0}, "limit"),
            ({"query": "x", "limit": 51}, "limit"),
            ({"query": "x", "filters": {"author_id": "bob"}}, "filters.author_id"),
            ({"query": "x", "filters": {"category": "song"}}, "filters.category"),
            ({"query": "x", "filters": {"published_after": "yesterday"}}, "filters.published_after"),
            ({"query": "x", "author_id": "bob"}, "author_id"),
            ([], "body"),
        ],
    )
    async def test_a_wrong_search_names_the_field(self, shared_api: Api, body: Any, field: str) -> None:
        answer = problem(await shared_api.post("/v1/search", body), 422)
        assert [entry["field"] for entry in answer["errors"]] == [field]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"messages": []},
            {"messages": [{"role": "user", "content": ""}]},
            {"messages": [{"role": "user", "content": None}]},
            {"messages": [{"role": "system", "content": "hello"}]},
            {"messages": [{"role": "user", "content": "x" * 100_000}]},
            {"messages": [{"role": "pope", "content": "x"}]},
            {"messages": [{"role": "user", "content": "x"}], "n": 0},
            {"messages": [{"role": "user", "content": "x"}], "n": 5},
            {"messages": [{"role": "user", "content": "x"}], "writing": {"preset": "poem"}},
            {
                "messages": [{"role": "user", "content": "x"}],
                "writing": {"preset": "post", "links": ["u"] * 9},
            },
            {
                "messages": [{"role": "user", "content": "x"}],
                "response_format": {"type": "json_schema"},
            },
            {"messages": [{"role": "user", "content": "x"}], "temperature": 9},
            {"messages": [{"role": "user", "content": "x"}], "max_tokens": 0},
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_wrong_chat_is_refused_before_anything_is_streamed(
        self, shared_api: Api, body: dict[str, Any], stream: bool
    ) -> None:
        problem(await shared_api.post("/v1/chat/completions", body | {"stream": stream}), 422)

    @pytest.mark.parametrize(
        ("wish", "parameter"),
        [
            ({"n": 2}, "n"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            (
                {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
                "response_format",
            ),
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_wish_that_the_engine_cannot_follow_is_named_with_the_engine(
        self, shared_api: Api, wish: dict[str, Any], parameter: str, stream: bool
    ) -> None:
        body = {"messages": [{"role": "user", "content": "x"}], "stream": stream} | wish
        answer = problem(await shared_api.post("/v1/chat/completions", body), 400)
        assert "extractive" in answer["detail"]
        assert parameter in answer["detail"]
        assert answer["error"]["param"] == parameter

    @pytest.mark.parametrize(
        ("content", "status"), [(b"", 422), (b"{", 422), (b"\xff\xfe", 422), (b'{"query": "\xff"}', 400)]
    )
    async def test_no_json(self, shared_api: Api, content: bytes, status: int) -> None:
        headers = shared_api.as_author(ADA) | {"Content-Type": "application/json"}
        problem(await shared_api.http.post("/v1/search", content=content, headers=headers), status)

    @pytest.mark.parametrize(
        "links", [["ftp://ada.example/"], ["nowhere"], [""], ["https://"], ["https://a/"] * 101]
    )
    async def test_links_that_are_none(self, shared_api: Api, links: list[str]) -> None:
        problem(await shared_api.post("/v1/crawls", {"links": links}), 422)

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "many"}])
    async def test_pages_that_are_none(self, shared_api: Api, query: dict[str, Any]) -> None:
        problem(await shared_api.get("/v1/documents", **query), 422)


@SHARED
class TestSize:
    @pytest.mark.parametrize("path", ["/v1/search", "/v1/chat/completions", "/v1/crawls"])
    async def test_a_large_body_is_refused_by_its_length(self, shared_api: Api, path: str) -> None:
        problem(await shared_api.post(path, {"query": "x" * 300_000}), 413)

    async def test_a_large_body_without_a_length_is_refused_as_it_comes(self, shared_api: Api) -> None:
        async def endless() -> Any:
            for _ in range(600):
                yield b"x" * 1024

        headers = shared_api.as_author(ADA) | {"Content-Type": "application/json"}
        problem(await shared_api.http.post("/v1/search", content=endless(), headers=headers), 413)


@SHARED
class TestPlaces:
    @pytest.mark.parametrize("path", ["/v1/nothing", "/nothing", "/v1", "/v1/models/other", "/v1/embeddings"])
    async def test_unknown_ones(self, shared_api: Api, path: str) -> None:
        problem(await shared_api.get(path), 404)

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/v1/search"), ("DELETE", "/v1/documents"), ("POST", "/livez"), ("PUT", "/")],
    )
    async def test_known_ones_with_another_method(self, shared_api: Api, method: str, path: str) -> None:
        response = await shared_api.http.request(method, path, headers=shared_api.as_author(ADA))
        problem(response, 405)
        assert response.headers["allow"]

    async def test_an_unknown_model(self, shared_api: Api) -> None:
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}
        assert "gpt-4" in problem(await shared_api.post("/v1/chat/completions", body), 404)["detail"]


class TestOthers:
    async def test_another_authors_crawl_and_one_that_never_was_look_alike(
        self, start_api: StartApi, kafka_bootstrap: str
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        run = (await api.post("/v1/crawls", {"links": ["https://ada.example/"]})).json()["run_id"]
        theirs = problem(await api.get(f"/v1/crawls/{run}", BOB), 404)
        nobodys = problem(await api.get(f"/v1/crawls/{NO_RUN}", BOB), 404)
        assert json.dumps(theirs).replace(run, "ID") == json.dumps(nobodys).replace(NO_RUN, "ID")

    async def test_an_author_without_registration(self, api: Api) -> None:
        problem(await api.get("/v1/author", BOB), 404)


class TestFailures:
    async def test_an_unexpected_error_tells_nothing_of_its_inside(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError("secret internals")

        monkeypatch.setattr(api.resources.retrieval, "find", broken)
        response = await api.post("/v1/search", {"query": "tide"})
        problem(response, 500)
        assert "secret" not in response.text

    async def test_a_warehouse_that_is_away(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        from pymongo.errors import ServerSelectionTimeoutError

        async def away(*_: object, **__: object) -> None:
            raise ServerSelectionTimeoutError("10.0.0.7:27017: refused")

        monkeypatch.setattr(api.resources.documents, "page", away)
        response = await api.get("/v1/documents")
        assert "10.0.0.7" not in problem(response, 503)["detail"]
        assert response.headers["retry-after"]
