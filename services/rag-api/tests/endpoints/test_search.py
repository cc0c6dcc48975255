"""What a search answers."""

from ..conftest import ADA, BOB, NOW, Api, StartApi, chunk, put_chunks


class TestResults:
    async def test_they_name_the_passage_and_where_it_is_from(self, api: Api) -> None:
        text = "The winch holds the rope."
        await put_chunks(
            api.resources.index, [chunk(text, heading_path=("Deck", "Winch")), chunk("tide", path="/b")]
        )
        response = await api.post("/v1/search", {"query": "winch rope", "limit": 5})
        first = response.json()["results"][0]
        assert 0 < first.pop("score") <= 1.25
        assert first == {
            "rank": 1,
            "document_id": chunk(text).document_id,
            "chunk_index": 0,
            "url": "https://ada.example/a",
            "title": "Title of /a",
            "heading_path": ["Deck", "Winch"],
            "text": text,
            "published_at": NOW.isoformat().replace("+00:00", "Z"),
            "category": "article",
            "platform": "web",
        }

    async def test_they_are_ranked_and_limited(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk(f"tide {n}", path=f"/{n}") for n in range(20)])
        results = (await api.post("/v1/search", {"query": "tide", "limit": 7})).json()["results"]
        assert [result["rank"] for result in results] == list(range(1, 8))
        scores = [result["score"] for result in results]
        assert scores == sorted(scores, reverse=True)

    async def test_an_author_without_texts_finds_nothing(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("tide", ADA)])
        assert (await api.post("/v1/search", {"query": "tide"}, BOB)).json() == {"results": []}

    async def test_filters_reach_the_index(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("tide"), chunk("tide", path="/b", platform="medium")])
        body = {
            "query": "tide",
            "filters": {"platform": "medium", "published_before": "2030-01-01T00:00:00Z"},
        }
        results = (await api.post("/v1/search", body)).json()["results"]
        assert [result["platform"] for result in results] == ["medium"]

    async def test_a_question_of_the_greatest_length_is_answered(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("tide")])
        response = await api.post("/v1/search", {"query": "tide lamp " * 3200})
        assert response.status_code == 200


class TestTiming:
    async def test_every_step_is_told(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("the tide turns at noon")])
        answer = await api.post("/v1/search", {"query": "tide"})
        steps = [entry.partition(";dur=") for entry in answer.headers["server-timing"].split(", ")]
        assert [name for name, _, _ in steps] == ["encode", "search", "rerank", "widen"]
        assert all(float(milliseconds) > 0 for _, _, milliseconds in steps)


class TestReranking:
    async def test_it_can_be_left_out(self, start_api: StartApi) -> None:
        api = await start_api(rerank="none")
        await put_chunks(api.resources.index, [chunk("tide tables of the harbour")])
        answer = await api.post("/v1/search", {"query": "harbour tide"})
        assert "rerank;dur=" not in answer.headers["server-timing"]
        assert len(answer.json()["results"]) == 1
