"""What an author sees of their questions, over a real warehouse."""

from typing import Any

import pytest

from twin_common.events import FeedbackGiven, Rating
from twin_common.warehouse import Warehouse

from ..conftest import ADA, BOB, Api, StartApi, chunk, put_chunks
from .test_problems import problem

QUESTION = "when do the tides turn in the harbour"


async def ask(api: Api, question: str = QUESTION, **more: Any) -> str:
    """Ask, wait until the trace is kept, and return its id."""
    body = {"messages": [{"role": "user", "content": question}]} | more
    response = await api.post("/v1/chat/completions", body)
    assert response.status_code == 200
    await api.resources.recorder.settle()
    completion_id: str = response.json()["id"]
    return completion_id


async def listed(api: Api, **params: Any) -> list[str]:
    response = await api.get("/v1/traces", **params)
    assert response.status_code == 200, response.text
    return [trace["trace_id"] for trace in response.json()["traces"]]


@pytest.fixture
async def filled(api: Api) -> Api:
    texts = {"/tides": "Tides turn twice a day in the harbour.", "/lamps": "The lamps glow in the harbour."}
    await put_chunks(api.resources.index, [chunk(text, path=path) for path, text in texts.items()])
    return api


class TestOneTrace:
    async def test_it_tells_the_whole_way(self, filled: Api) -> None:
        supported = await filled.figure('twin_answer_sentences_total{support="supported"}')
        trace_id = await ask(filled)
        trace = (await filled.get(f"/v1/traces/{trace_id}")).json()
        assert (trace["question"], trace["outcome"], trace["model"]) == (QUESTION, "answered", "extractive")
        assert "Tides turn twice a day" in trace["answer"]
        first = trace["sources"][0]
        assert (first["number"], first["title"], first["is_cited"]) == (1, "Title of /tides", True)
        assert first["score"] > 0
        assert trace["output_tokens"] > 0
        assert trace["prompt_version"]
        assert 0 < trace["times"]["first_token"] <= trace["times"]["generation"]
        quality = trace["quality"]
        assert quality["sentences"] == quality["supported"] == quality["cited"] > 0
        grown = await filled.figure('twin_answer_sentences_total{support="supported"}') - supported
        assert grown == quality["supported"]

    async def test_a_follow_up_shows_what_was_searched_for(self, filled: Api) -> None:
        turns = [
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "Twice a day [1]."},
            {"role": "user", "content": "and why is that?"},
        ]
        trace_id = await ask(filled, messages=turns)
        trace = (await filled.get(f"/v1/traces/{trace_id}")).json()
        assert trace["question"] == "and why is that?"
        assert "tides" in trace["variants"][0]

    async def test_it_tells_which_texts_were_asked_for_and_what_each_step_took(self, filled: Api) -> None:
        trace_id = await ask(filled, f"What did I write in January 2026: {QUESTION}")
        trace = (await filled.get(f"/v1/traces/{trace_id}")).json()
        assert trace["filters"] == {
            "published_after": "2026-01-01 00:00:00+00:00",
            "published_before": "2026-02-01 00:00:00+00:00",
        }
        assert trace["variants"] == [f"What did I write : {QUESTION}"]
        assert {"read", "encode", "search", "widen"} <= trace["times"]["retrieval_steps"].keys()

    async def test_feedback_stands_beside_it(self, filled: Api, warehouse: Warehouse) -> None:
        trace_id = await ask(filled)
        assert (await filled.get(f"/v1/traces/{trace_id}")).json()["feedback"] is None
        given = FeedbackGiven(
            author_id=ADA,
            completion_id=trace_id,
            model="twin",
            prompt="?",
            answer=".",
            rating=Rating.DOWN,
            edit="Better.",
        )
        await warehouse.feedback.put(given)
        trace = (await filled.get(f"/v1/traces/{trace_id}")).json()
        assert (trace["rating"], trace["is_edited"], trace["feedback"]["edit"]) == ("down", True, "Better.")
        await ask(filled)
        assert await listed(filled, rating="down") == [trace_id]
        assert await listed(filled, rating="up") == []

    async def test_another_authors_is_not_there(self, filled: Api) -> None:
        trace_id = await ask(filled)
        problem(await filled.get(f"/v1/traces/{trace_id}", BOB), 404)
        assert (await filled.get("/v1/traces", BOB)).json()["traces"] == []


class TestLists:
    async def test_filters(self, filled: Api) -> None:
        about_tides = await ask(filled)
        about_nothing = await ask(filled, "what does the Zyxwvut protocol of Qwertz say?")
        assert await listed(filled) == [about_nothing, about_tides]
        assert await listed(filled, outcome="nothing_found") == [about_nothing]
        assert await listed(filled, text="TIDES TURN") == [about_tides]
        assert await listed(filled, text=".*") == []
        assert await listed(filled, model="extractive", outcome="answered") == [about_tides]
        assert await listed(filled, until="2020-01-01T00:00:00Z") == []
        assert await listed(filled, since="2020-01-01T00:00:00Z", limit=1) == [about_nothing]

    async def test_following_next_gives_each_once(self, filled: Api) -> None:
        asked = [await ask(filled) for _ in range(5)]
        seen: list[str] = []
        params: dict[str, Any] = {"limit": 2}
        while True:
            page = (await filled.get("/v1/traces", **params)).json()
            seen += [trace["trace_id"] for trace in page["traces"]]
            if page["next"] is None:
                break
            params["after"] = page["next"]
        assert sorted(seen) == sorted(asked)
        assert len(set(seen)) == 5

    async def test_nonsense_is_refused(self, api: Api) -> None:
        for wrong in ({"after": "x"}, {"after": "1."}, {"outcome": "odd"}, {"limit": 0}, {"odd": 1}):
            problem(await api.get("/v1/traces", **wrong), 422)


class TestPrivacy:
    async def test_without_content_no_text_reaches_the_warehouse(
        self, start_api: StartApi, warehouse: Warehouse
    ) -> None:
        api: Api = await start_api(trace_content=False)
        await put_chunks(api.resources.index, [chunk("Tides turn twice a day in the harbour.")])
        await ask(api)
        (row,) = await warehouse.database["traces"].find().to_list()
        assert "tides" not in str(row).lower()
        assert row["sources"]
        assert row["quality"]["supported"] == 1

    async def test_they_go_with_the_author_and_with_the_document(
        self, filled: Api, warehouse: Warehouse
    ) -> None:
        trace_id = await ask(filled)
        source = (await filled.get(f"/v1/traces/{trace_id}")).json()["sources"][0]["document_id"]
        assert (await warehouse.erasures.erase_document(source))["traces"] == 1
        await ask(filled)
        assert (await warehouse.erasures.erase_author(ADA))["traces"] == 1
        await ask_after_erasure(filled)
        assert await warehouse.database["traces"].count_documents({}) == 0

    async def test_old_ones_are_forgotten_after_the_set_time(
        self, start_api: StartApi, warehouse: Warehouse
    ) -> None:
        for days in (30, 7):
            api: Api = await start_api(trace_retention_days=days)
            await api.resources.traces.create_indexes()
            indexes = await warehouse.database["traces"].index_information()
            assert indexes["asked_at_1"]["expireAfterSeconds"] == days * 24 * 3600


async def ask_after_erasure(api: Api) -> None:
    """The key still opens for some seconds, from the cache."""
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    assert (await api.post("/v1/chat/completions", body)).status_code == 200
    await api.resources.recorder.settle()
