"""What an orchestrator, Prometheus and a browser get."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from ..conftest import ADA, Api, StartApi, chunk, put_chunks

WEB = Path(str(files("twin_rag_api") / "web"))
MODULES = sorted(f"/web/{path.relative_to(WEB).as_posix()}" for path in WEB.rglob("*.*s"))


class TestProbes:
    async def test_live_and_ready(self, api: Api) -> None:
        assert (await api.http.get("/livez")).status_code == 200
        assert (await api.http.get("/readyz")).text == "ok\n"

    async def test_not_ready_names_what_is_missing(self, api: Api) -> None:
        for entry in (await api.resources.index.get_aliases()).aliases:
            await api.resources.index.delete_collection(entry.collection_name)
        response = await api.http.get("/readyz")
        assert response.status_code == 503
        assert [re.sub(r" does.*", "", entry) for entry in response.json()["missing"]] == [
            "the collection chunks",
            "the collection documents",
        ]
        assert (await api.http.get("/livez")).status_code == 200

    async def test_search_needs_no_kafka(self, start_api: StartApi) -> None:
        api: Api = await start_api(kafka="127.0.0.1:1")
        assert (await api.http.get("/readyz")).status_code == 200
        assert (await api.post("/v1/search", {"query": "tide"})).status_code == 200


class TestMetrics:
    async def test_requests_are_told_apart_by_route_and_never_by_author(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("tide")])
        await api.post("/v1/search", {"query": "tide"})
        await api.get("/v1/crawls/7d1f0a3e-8c8e-4a39-9d53-0d4b3c8f9e11")
        await api.get("/secret-path-7d1f")
        metrics = (await api.http.get("/metrics")).text
        assert 'route="/v1/search",status="200"' in metrics
        assert 'route="/v1/crawls/{run_id}",status="404"' in metrics
        assert 'route="unmatched"' in metrics
        assert "twin_http_requests_under_way 1.0" in metrics  # this one
        assert 'twin_retrieval_step_duration_seconds_count{step="search"}' in metrics
        assert "7d1f" not in metrics
        assert f'"{ADA}"' not in metrics


@pytest.mark.asyncio(loop_scope="module")
class TestPages:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/", "text/html"),
            ("/docs", "text/html"),
            ("/web/app.js", "text/javascript"),
            ("/web/docs.js", "text/javascript"),
            ("/web/styles/base.css", "text/css"),
            ("/web/icon.svg", "image/svg+xml"),
            ("/openapi.json", "application/json"),
        ],
    )
    async def test_they_are_public_and_guarded(self, shared_api: Api, path: str, kind: str) -> None:
        response = await shared_api.http.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(kind)
        assert response.headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'; "
        )
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"

    @pytest.mark.parametrize("path", ["/", "/docs", *MODULES])
    async def test_they_load_nothing_from_elsewhere_and_insert_no_markup(
        self, shared_api: Api, path: str
    ) -> None:
        text = (await shared_api.http.get(path)).text
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\(|@import", text)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
        assert not re.search(r"<script>|\son\w+=\"|style=\"", text)

    @pytest.mark.parametrize("name", ["nothing.js", "../settings.py", "%2e%2e/settings.py", "docs.html", ""])
    async def test_nothing_else_of_the_machine_is_served(self, shared_api: Api, name: str) -> None:
        assert (await shared_api.http.get(f"/web/{name}")).status_code == 404

    async def test_the_document_describes_citations_and_problems(self, shared_api: Api) -> None:
        schemas = (await shared_api.http.get("/openapi.json")).json()["components"]["schemas"]
        assert "citations" in schemas["AnswerMessage"]["properties"]
        assert {"type", "title", "status", "detail", "instance"} <= schemas["Problem"]["properties"].keys()
        assert "citations" in schemas["ChunkDelta"]["properties"]
