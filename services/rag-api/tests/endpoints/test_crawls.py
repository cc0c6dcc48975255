"""Asking for a crawl and watching it."""

from aiokafka import AIOKafkaConsumer

from twin_common.authors import Author
from twin_common.events import CrawlCounts, CrawlReported, CrawlRequested, LinkError, RunStatus, decode
from twin_common.topics import CRAWL_REQUESTS
from twin_common.warehouse import Warehouse

from ..conftest import ADA, BOB, NOW, Api, StartApi
from .test_problems import problem

LINKS = ["https://ada.example/", "https://ada.example/feed.xml"]


class TestRequest:
    async def test_it_reaches_kafka_under_the_authors_key(
        self, start_api: StartApi, kafka_bootstrap: str
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        response = await api.post("/v1/crawls", {"links": LINKS})
        assert response.status_code == 202
        run_id = response.json()["run_id"]
        consumer = AIOKafkaConsumer(
            CRAWL_REQUESTS.name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for message in consumer:
                if ("ce_id", run_id.encode()) in message.headers:
                    event = decode(message.value, message.headers, CrawlRequested).event
                    break
        finally:
            await consumer.stop()
        assert isinstance(event, CrawlRequested)
        assert (event.author_id, list(event.links), message.key) == (ADA, LINKS, b"ada")

    async def test_the_body_cannot_name_another_author(self, api: Api) -> None:
        problem(await api.post("/v1/crawls", {"links": LINKS, "author_id": BOB}), 422)

    async def test_without_links_those_that_are_registered(
        self, start_api: StartApi, kafka_bootstrap: str, warehouse: Warehouse
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        problem(await api.post("/v1/crawls", {}), 404)
        await warehouse.authors.put(Author(author_id=ADA, name="Ada"))
        problem(await api.post("/v1/crawls", {}), 422)
        await warehouse.authors.put(Author(author_id=ADA, name="Ada", links=("https://ada.example/",)))
        assert (await api.post("/v1/crawls", {})).status_code == 202
        assert (await api.get("/v1/author")).json()["links"] == ["https://ada.example/"]

    async def test_kafka_being_away_is_told_and_leaves_nothing_behind(
        self, api: Api, warehouse: Warehouse
    ) -> None:
        problem(await api.post("/v1/crawls", {"links": LINKS}), 503)
        assert await warehouse.database["crawl_requests"].count_documents({}) == 0


class TestStatus:
    async def test_from_waiting_to_finished(
        self, start_api: StartApi, kafka_bootstrap: str, warehouse: Warehouse
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        run_id = (await api.post("/v1/crawls", {"links": LINKS})).json()["run_id"]
        assert (await api.get(f"/v1/crawls/{run_id}")).json()["status"] is None
        error = LinkError(url=LINKS[1], reason="not_found", detail="404")
        report = CrawlReported(
            run_id=run_id,
            author_id=ADA,
            status=RunStatus.FINISHED,
            counts=CrawlCounts(discovered=2, inserted=1, failed=1),
            errors=(error,),
            started_at=NOW,
        )
        await warehouse.crawls.save_run(report)
        body = (await api.get(f"/v1/crawls/{run_id}")).json()
        assert body["status"] == "finished"
        assert body["counts"]["inserted"] == 1
        assert body["errors"] == [error.model_dump()]
