"""What crawling remembers, against a real server."""

from datetime import UTC, datetime

from twin_common.documents import Category
from twin_common.events import CrawlCounts, CrawlReported, LinkError, RunStatus
from twin_common.identity import AuthorId
from twin_common.warehouse import PageState, Warehouse

_ADA, _BOB = AuthorId("ada"), AuthorId("bob")
_NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def _page(name: str, author: AuthorId = _ADA, **fields: object) -> PageState:
    return PageState.model_validate({"author_id": author, "url": f"https://example.com/{name}"} | fields)


def _report(status: RunStatus, inserted: int = 0) -> CrawlReported:
    return CrawlReported(
        run_id="run-1",
        author_id=_ADA,
        status=status,
        counts=CrawlCounts(inserted=inserted),
        errors=(LinkError(url="https://example.com/x", reason="not_found", detail="The server said 404."),),
        started_at=_NOON,
        reported_at=_NOON,
    )


class TestPages:
    async def test_come_back_as_they_were_saved_by_address(self, warehouse: Warehouse) -> None:
        full = _page(
            "a",
            source_url="https://example.com/feed",
            document_id="d",
            category=Category.POST,
            etag='"x"',
            last_modified="Wed, 01 May 2024 12:00:00 GMT",
            content_digest="c",
            gone_count=1,
            seen_at=_NOON,
        )
        await warehouse.crawls.save_pages([full, _page("b"), _page("a", _BOB)])
        assert await warehouse.crawls.pages(_ADA) == {full.url: full, _page("b").url: _page("b")}

    async def test_saving_again_replaces(self, warehouse: Warehouse) -> None:
        await warehouse.crawls.save_pages([_page("a", etag="1", gone_count=1)])
        await warehouse.crawls.save_pages([_page("a", etag="2")])
        assert await warehouse.crawls.pages(_ADA) == {_page("a").url: _page("a", etag="2")}

    async def test_none_at_all(self, warehouse: Warehouse) -> None:
        await warehouse.crawls.save_pages([])
        assert await warehouse.crawls.pages(_ADA) == {}


class TestRuns:
    async def test_the_last_report_saved_is_the_one_that_is_read(self, warehouse: Warehouse) -> None:
        await warehouse.crawls.save_run(_report(RunStatus.STARTED))
        await warehouse.crawls.save_run(_report(RunStatus.FINISHED, inserted=3))
        assert await warehouse.crawls.run(_ADA, "run-1") == _report(RunStatus.FINISHED, inserted=3)

    async def test_one_of_another_author_is_none(self, warehouse: Warehouse) -> None:
        await warehouse.crawls.save_run(_report(RunStatus.STARTED))
        assert await warehouse.crawls.run(_BOB, "run-1") is None
        assert await warehouse.crawls.run(_ADA, "run-2") is None

    async def test_what_ended_a_run_stays_whatever_arrives_late(self, warehouse: Warehouse) -> None:
        finished = _report(RunStatus.FINISHED, inserted=4)
        await warehouse.crawls.save_run(finished)
        for late in (_report(RunStatus.RUNNING), _report(RunStatus.STARTED), _report(RunStatus.FINISHED)):
            await warehouse.crawls.save_run(late)
        assert await warehouse.crawls.run(_ADA, "run-1") == finished
