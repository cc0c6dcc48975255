"""Drafts: kept, changed, forgotten; and what the owner changes is feedback."""

from typing import Any

import pytest

from twin_rag_api.writing.drafts import Drafts

from ..conftest import ADA, BOB, Api, StartApi

GENERATED = {"completion_id": "c-1", "model": "twin", "prompt": "Write of tides.", "text": "Tides turn."}


async def create(api: Api, **fields: Any) -> dict[str, Any]:
    body = {"preset": "post", "title": "Tides", "text": "Tides turn."} | fields
    response = await api.post("/v1/drafts", body)
    assert response.status_code == 201, response.text
    draft: dict[str, Any] = response.json()
    return draft


class TestKeeping:
    async def test_one_is_kept_changed_listed_and_forgotten(self, api: Api) -> None:
        draft = await create(api)
        assert draft["written"]["parts"] == [
            {"text": "Tides turn.", "characters": 11, "limit": 3000, "fits": True}
        ]
        other = await create(api, title="Lamps")
        path = f"/v1/drafts/{draft['draft_id']}"
        changed = await api.put(path, {"title": "On tides", "text": "They turn."})
        assert changed.status_code == 200
        assert (await api.get(path)).json() == changed.json()
        assert changed.json()["feedback"] == "none"
        listed = (await api.get("/v1/drafts")).json()
        assert listed["total"] == 2
        assert {entry["draft_id"] for entry in listed["drafts"]} == {draft["draft_id"], other["draft_id"]}
        assert (await api.get("/v1/drafts", offset=1, limit=1)).json()["drafts"][0]["title"] == "Lamps"
        deleted = await api.http.delete(path, headers=api.as_author(ADA))
        assert deleted.status_code == 204
        assert (await api.get(path)).status_code == 404

    async def test_it_belongs_to_its_author_alone(self, api: Api) -> None:
        path = f"/v1/drafts/{(await create(api))['draft_id']}"
        headers = api.as_author(BOB)
        change = {"title": "mine", "text": "mine"}
        assert (await api.get(path, BOB)).status_code == 404
        assert (await api.http.put(path, json=change, headers=headers)).status_code == 404
        assert (await api.http.delete(path, headers=headers)).status_code == 404
        assert (await api.get("/v1/drafts", BOB)).json() == {"total": 0, "drafts": []}
        assert (await api.get(path)).json()["title"] == "Tides"

    async def test_erasing_the_author_erases_them(self, api: Api) -> None:
        await create(api)
        await api.resources.warehouse.erasures.erase_author(ADA)
        assert await api.resources.warehouse.database["drafts"].count_documents({}) == 0

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"preset": "poem", "text": "x"},
            {"preset": "post", "text": "x" * 64_001},
            {"preset": "post", "text": "x", "author_id": "bob"},
            {"preset": "post", "text": "x", "generated": {"text": "x"}},
        ],
    )
    async def test_a_wrong_one_is_refused(self, api: Api, body: dict[str, Any]) -> None:
        assert (await api.post("/v1/drafts", body)).status_code == 422


class TestFeedback:
    async def test_an_edit_is_given_once_a_draft_and_the_newest_counts(
        self, start_api: StartApi, kafka_bootstrap: str
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        draft = await create(api, generated=GENERATED)
        assert draft["feedback"] == "none"
        path = f"/v1/drafts/{draft['draft_id']}"
        for text in ("Tides turn, slowly.", "Tides turn, as ever."):
            saved = (await api.put(path, {"title": "Tides", "text": text})).json()
            assert saved["feedback"] == "given"
        [given] = await api.resources.warehouse.feedback.all(ADA)
        assert given.edit == "Tides turn, as ever."
        assert (given.prompt, given.answer, given.completion_id) == ("Write of tides.", "Tides turn.", "c-1")

    async def test_without_the_event_bus_the_draft_is_kept_and_says_so(self, api: Api) -> None:
        class Away:
            async def give(self, feedback: object) -> None:
                from twin_common.errors import ServerUnavailable

                raise ServerUnavailable("Kafka is away")

        api.resources.drafts = Drafts(api.resources.warehouse.database, Away())
        draft = await create(api, generated=GENERATED, text="Tides turn, slowly.")
        assert draft["feedback"] == "waiting"
        kept = (await api.get(f"/v1/drafts/{draft['draft_id']}")).json()
        assert (kept["text"], kept["feedback"]) == ("Tides turn, slowly.", "waiting")
