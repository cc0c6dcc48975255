"""An author's configuration over the API."""

from datetime import timedelta

import pytest

from twin_common.authors import Author
from twin_common.clock import utc_now
from twin_common.warehouse import LinkState, ScheduleState, Warehouse

from ..conftest import ADA, BOB, Api
from .test_problems import problem

_CONFIGURATION = {
    "name": "Ada",
    "aliases": ["A. Stone"],
    "links": ["https://ada.example/", {"url": "https://ada.example/notes", "category": "post"}],
    "schedule": "0 6 * * *",
    "credentials": {"linkedin": "env:TWIN_SECRET_ADA_LINKEDIN"},
}


class TestPut:
    async def test_what_was_put_is_stored_for_the_caller_and_read_back(
        self, api: Api, warehouse: Warehouse
    ) -> None:
        answer = await api.put("/v1/author", _CONFIGURATION)
        assert answer.status_code == 200
        body = (await api.get("/v1/author")).json()
        assert (body["author_id"], body["schedule"], body["next_crawl_at"]) == (ADA, "0 6 * * *", None)
        assert (body["links"][0], body["links"][1]["category"]) == ("https://ada.example/", "post")
        stored = await warehouse.authors.get(ADA)
        assert stored == Author.model_validate(_CONFIGURATION | {"author_id": ADA})

    @pytest.mark.parametrize(
        "change",
        [
            {"author_id": BOB},
            {"credentials": {"linkedin": "AQEDAR-canary"}},
            {"credentials": {"linkedin": "env:PATH-canary"}},
            {"links": ["ftp://ada.example/canary"]},
            {"schedule": "often"},
            {"nmae": "Ada"},
        ],
    )
    async def test_what_is_wrong_is_refused_without_repeating_it(
        self, api: Api, warehouse: Warehouse, change: dict[str, object]
    ) -> None:
        answer = await api.put("/v1/author", _CONFIGURATION | change)
        problem(answer, 422)
        assert "canary" not in answer.text
        assert await warehouse.authors.all() == []


class TestGet:
    async def test_it_tells_of_the_next_crawl_and_of_paused_links(
        self, api: Api, warehouse: Warehouse
    ) -> None:
        await api.put("/v1/author", _CONFIGURATION)
        now = utc_now()
        coming = ScheduleState(author_id=ADA, schedule="0 6 * * *", next_at=now + timedelta(hours=1))
        await warehouse.crawls.advance_schedule(None, coming)
        links = [
            LinkState(author_id=author, url=url, reason="dns", detail="no such name", paused_until=now + wait)
            for author, url, wait in (
                (ADA, "https://ada.example/", timedelta(hours=2)),
                (ADA, "https://ada.example/notes", timedelta(hours=-2)),
                (BOB, "https://bob.example/", timedelta(hours=2)),
            )
        ]
        await warehouse.crawls.save_links(links)
        body = (await api.get("/v1/author")).json()
        assert body["next_crawl_at"].startswith(f"{coming.next_at:%Y-%m-%dT%H:%M}")
        paused = [(link["url"], link["reason"]) for link in body["paused_links"]]
        assert paused == [("https://ada.example/", "dns")]
