"""The list of documents and their states."""

from datetime import timedelta

from twin_common.documents import Category, DocumentDraft, HeadStatus, StageTimes
from twin_common.warehouse import Warehouse

from ..conftest import ADA, BOB, Api, chunk, put_chunks, put_head


def draft(path: str, author_id: str = ADA, category: Category = Category.ARTICLE) -> DocumentDraft:
    url = f"https://{author_id}.example{path}"
    return DocumentDraft.at(author_id, url, category=category, title=path, text=f"Text of {path}")  # type: ignore[arg-type]


class TestStates:
    async def test_each_document_with_its_state_and_reason(self, api: Api, warehouse: Warehouse) -> None:
        paths = ["/pending", "/searchable", "/skipped", "/failed", "/edited"]
        drafts = {path: draft(path) for path in paths}
        await warehouse.documents.put_many(list(drafts.values()))
        await warehouse.documents.put(draft("/edited").model_copy(update={"text": "new"}))
        for path, status, reason in [
            ("/searchable", HeadStatus.SEARCHABLE, None),
            ("/skipped", HeadStatus.SKIPPED, "the text is empty"),
            ("/failed", HeadStatus.FAILED, "the encoder broke"),
            ("/edited", HeadStatus.SEARCHABLE, None),
        ]:
            known = drafts[path]
            await put_head(
                api.resources.index,
                document_id=known.document_id,
                author_id=ADA,
                version=1,
                url=known.url,
                status=status,
                reason=reason,
            )
        body = (await api.get("/v1/documents")).json()
        assert body["total"] == 5
        states = {entry["title"]: (entry["state"], entry["reason"]) for entry in body["documents"]}
        assert states == {
            "/pending": ("pending", None),
            "/searchable": ("searchable", None),
            "/skipped": ("skipped", "the text is empty"),
            "/failed": ("failed", "the encoder broke"),
            "/edited": ("pending", None),
        }
        edited = next(entry for entry in body["documents"] if entry["title"] == "/edited")
        assert (edited["version"], edited["indexed_version"]) == (2, 1)
        assert all(entry["stages"]["stored_at"] for entry in body["documents"])

    async def test_no_text_is_sent(self, api: Api, warehouse: Warehouse) -> None:
        await warehouse.documents.put(draft("/a"))
        assert "Text of" not in (await api.get("/v1/documents")).text


class TestPaging:
    async def test_pages_hold_every_document_once_across_categories(
        self, api: Api, warehouse: Warehouse
    ) -> None:
        categories = list(Category)
        await warehouse.documents.put_many([draft(f"/{n}", category=categories[n % 3]) for n in range(11)])
        seen: list[str] = []
        for offset in (0, 4, 8, 12):
            body = (await api.get("/v1/documents", offset=offset, limit=4)).json()
            assert body["total"] == 11
            seen += [entry["title"] for entry in body["documents"]]
        assert sorted(seen) == sorted(f"/{n}" for n in range(11))

    async def test_following_next_gives_every_document_once_also_when_many_were_stored_at_once(
        self, api: Api, warehouse: Warehouse
    ) -> None:
        categories = list(Category)
        for batch in range(3):
            drafts = [draft(f"/{batch}/{n}", category=categories[n % 3]) for n in range(9)]
            await warehouse.documents.put_many(drafts)
        wanted = (await api.get("/v1/documents", limit=200)).json()
        seen = (await api.get("/v1/documents", limit=4)).json()
        titles = [entry["title"] for entry in seen["documents"]]
        while seen["next"]:
            seen = (await api.get("/v1/documents", limit=4, after=seen["next"])).json()
            titles += [entry["title"] for entry in seen["documents"]]
        assert titles == [entry["title"] for entry in wanted["documents"]]

    async def test_a_place_that_is_none_is_refused(self, api: Api) -> None:
        for after in ("x", "12.y", f"{10**30}.{draft('/a').document_id}"):
            answer = await api.get("/v1/documents", after=after)
            assert answer.status_code == 422, after

    async def test_newest_first(self, api: Api, warehouse: Warehouse) -> None:
        for path in ("/first", "/second", "/third"):
            await warehouse.documents.put(draft(path))
        body = (await api.get("/v1/documents", limit=2)).json()
        stored = [entry["stages"]["stored_at"] for entry in body["documents"]]
        assert stored == sorted(stored, reverse=True)


class TestOwnership:
    async def test_another_authors_documents_are_not_there(self, api: Api, warehouse: Warehouse) -> None:
        await warehouse.documents.put_many([draft("/a", ADA), draft("/b", BOB), draft("/c", BOB)])
        body = (await api.get("/v1/documents", BOB)).json()
        assert body["total"] == 2
        assert {entry["title"] for entry in body["documents"]} == {"/b", "/c"}


class TestOne:
    async def test_the_way_it_went_and_how_long_each_step_took(self, api: Api, warehouse: Warehouse) -> None:
        known = draft("/a")
        await warehouse.documents.put(known)
        stored = await warehouse.documents.get(known.document_id)
        assert stored is not None
        times = {
            name: stored.stored_at + timedelta(seconds=number)
            for number, name in enumerate(StageTimes.model_fields)
        }
        await put_head(
            api.resources.index,
            document_id=known.document_id,
            author_id=ADA,
            version=1,
            url=known.url,
            stages=StageTimes(**times),
        )
        body = (await api.get(f"/v1/documents/{known.document_id}")).json()
        stations = ["crawled", "changed", "published", "cleaned", "chunked", "embedded", "searchable"]
        assert [(step["stage"], step["seconds"]) for step in body["way"]] == [
            (name, 0 if name == "crawled" else 1) for name in stations
        ]

    async def test_one_that_waits_says_only_when_it_was_stored(self, api: Api, warehouse: Warehouse) -> None:
        await warehouse.documents.put(draft("/a"))
        body = (await api.get(f"/v1/documents/{draft('/a').document_id}")).json()
        assert body["state"] == "pending"
        assert [step["stage"] for step in body["way"]] == ["crawled"]

    async def test_another_authors_is_not_there(self, api: Api, warehouse: Warehouse) -> None:
        await warehouse.documents.put(draft("/b", BOB))
        path = f"/v1/documents/{draft('/b', BOB).document_id}"
        assert (await api.get(path)).status_code == 404
        assert (await api.get(path, BOB)).status_code == 200


class TestText:
    async def test_a_citation_opens_at_its_passage(self, api: Api) -> None:
        text = "# Tides\n\nThey turn twice a day. The harbour master writes it down."
        passage = "The harbour master writes it down."
        entry = chunk(passage, path="/tides", chunk_index=3, start=text.index(passage))
        known = draft("/tides")
        await put_chunks(api.resources.index, [entry])
        await put_head(
            api.resources.index,
            document_id=known.document_id,
            author_id=ADA,
            version=1,
            url=known.url,
            text=text,
        )
        path = f"/v1/documents/{known.document_id}/text"
        body = (await api.get(path, chunk_index=3)).json()
        assert body["text"] == text
        assert text[body["passage"]["start"] : body["passage"]["end"]] == passage
        assert (await api.get(path, chunk_index=4)).json()["passage"] is None
        assert (await api.get(path)).json()["passage"] is None
        assert (await api.get(path, BOB)).status_code == 404

    async def test_a_passage_of_an_older_version_is_not_guessed_at(self, api: Api) -> None:
        known = draft("/a")
        await put_chunks(api.resources.index, [chunk("Old words.", path="/a")])
        await put_head(
            api.resources.index,
            document_id=known.document_id,
            author_id=ADA,
            version=2,
            url=known.url,
            text="New words.",
        )
        body = (await api.get(f"/v1/documents/{known.document_id}/text", chunk_index=0)).json()
        assert (body["text"], body["version"], body["passage"]) == ("New words.", 2, None)

    async def test_a_copy_is_read_where_its_text_is_kept(self, api: Api) -> None:
        original, copy = draft("/a"), draft("/copy")
        for known, text, of in ((original, "Words.", None), (copy, "", original.document_id)):
            await put_head(
                api.resources.index,
                document_id=known.document_id,
                author_id=ADA,
                version=1,
                url=known.url,
                text=text,
                duplicate_of=of,
            )
        assert (await api.get(f"/v1/documents/{copy.document_id}/text")).json()["text"] == "Words."
