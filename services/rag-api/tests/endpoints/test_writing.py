"""Texts in the owner's voice, as the API gives them."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from twin_common.documents import Category
from twin_rag_api.generation.extractive import NO_MODEL_WRITES
from twin_rag_api.generation.wording import NO_TEXT

from ..conftest import Api, StartApi, chunk, put_chunks, serving
from ..upstream import Upstream
from ..writing.test_links import SITE

IDEA = "when do the tides turn in the harbour"
STYLE = "Tides! I love how they turn, quietly, twice a day, while nobody in the harbour looks."


async def fill(api: Api) -> None:
    facts = chunk(
        "Tides turn twice a day in this harbour. The master writes the tides into a book.", path="/t"
    )
    post = chunk(STYLE, path="/post", category=Category.POST, platform="linkedin")
    await put_chunks(api.resources.index, [facts, post])


async def write(api: Api, preset: str, idea: str = IDEA, **writing: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": idea}], "writing": {"preset": preset} | writing}
    response = await api.post("/v1/chat/completions", body)
    assert response.status_code == 200, response.text
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with serving(SITE) as url:
        yield url


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Upstream, str]]:
    server = Upstream()
    async with serving(server.app) as url:
        yield server, f"{url}/v1"


class TestWithModel:
    async def test_facts_style_and_request_are_kept_apart(
        self, start_api: StartApi, upstream: tuple[Upstream, str]
    ) -> None:
        server, url = upstream
        api: Api = await start_api(llm_url=url, llm_model="small")
        await fill(api)
        message = await write(api, "post", skeleton="- twice a day\n- the book")
        prompt = server.requests[-1]["messages"]
        assert "3,000 characters" in prompt[0]["content"]
        told = prompt[-1]["content"]
        style = told[told.index("<style") : told.index("</style>")]
        assert STYLE in style
        assert "Tides turn twice a day in this harbour." in told[: told.index("<style")]
        assert told.endswith(f"It is about this: {IDEA}")
        assert message["draft"]["preset"] == "post"
        [part] = message["draft"]["parts"]
        assert part == {
            "text": "Tides turn and lamps glow.",
            "characters": 26,
            "limit": 3000,
            "fits": True,
        }
        assert message["content"] == "Tides turn [1] and lamps glow [2]."

    async def test_without_any_facts_the_idea_alone_is_enough(
        self, start_api: StartApi, upstream: tuple[Upstream, str]
    ) -> None:
        server, url = upstream
        api: Api = await start_api(llm_url=url, llm_model="small")
        message = await write(api, "reply", idea="Thank you for the nice words!")
        assert message["content"] == "Tides turn and lamps glow."
        assert message["citations"] == []
        assert len(server.requests) == 1

    async def test_a_model_that_fails_leaves_an_outline_and_it_is_told(
        self, start_api: StartApi, upstream: tuple[Upstream, str]
    ) -> None:
        server, url = upstream
        server.script = "status"
        api: Api = await start_api(llm_url=url, llm_model="small")
        await fill(api)
        message = await write(api, "article")
        assert message["content"].startswith(NO_TEXT)
        assert [notice["code"] for notice in message["notices"]] == ["model_failed"]


class TestWithoutModel:
    async def test_an_outline_of_the_skeletons_points_honestly_labelled(self, api: Api) -> None:
        await fill(api)
        message = await write(api, "article", skeleton="# When tides turn\n\n- The book of tides\n- Pirates")
        assert message["content"].startswith(NO_MODEL_WRITES)
        for number, point in enumerate(["When tides turn", "The book of tides", "Pirates"], start=1):
            assert f"{number}. **{point}**" in message["content"]
        texts = " ".join(citation["text"] for citation in message["citations"])
        quotes = [line for line in message["content"].splitlines() if line.startswith("> ")]
        assert quotes
        assert all(quote[2:].rsplit(" [", 1)[0] in texts for quote in quotes)

    async def test_nothing_known_and_no_skeleton(self, api: Api) -> None:
        message = await write(api, "thread")
        assert IDEA in message["content"]
        assert message["citations"] == []
        assert all(part["fits"] for part in message["draft"]["parts"])


class TestLinks:
    async def test_good_ones_are_cited_and_each_bad_one_has_its_note(
        self, start_api: StartApi, site: str
    ) -> None:
        api: Api = await start_api(trusted_endpoints=frozenset((urlsplit(site).netloc,)))
        await fill(api)
        links = [f"{site}/tides", f"{site}/book", f"{site}/form", "http://169.254.169.254/", f"{site}/gone"]
        message = await write(api, "article", idea="tide table turns in the harbour", links=links)
        codes = [notice["code"] for notice in message["notices"]]
        assert codes == ["link_cut", "link_login", "link_private", "link_status"]
        for notice, link in zip(message["notices"], links[1:], strict=True):
            assert notice["detail"].startswith(link)
        linked = [citation for citation in message["citations"] if citation["document_id"] is None]
        assert {citation["url"] for citation in linked} <= {f"{site}/tides", f"{site}/book"}
        assert linked
        await api.resources.recorder.settle()
        [entry] = (await api.get("/v1/traces")).json()["traces"]
        trace = (await api.get(f"/v1/traces/{entry['trace_id']}")).json()
        foreign = [source["url"] for source in trace["sources"] if source["document_id"] is None]
        assert {citation["url"] for citation in linked} <= set(foreign) <= {f"{site}/tides", f"{site}/book"}

    async def test_the_credential_alone_says_whose_texts_they_are(self, api: Api) -> None:
        await fill(api)
        from ..conftest import BOB

        body = {"messages": [{"role": "user", "content": IDEA}], "writing": {"preset": "post"}}
        response = await api.post("/v1/chat/completions", body, BOB)
        assert STYLE not in response.text
        assert response.json()["choices"][0]["message"]["citations"] == []
