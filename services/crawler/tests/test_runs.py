"""One run, whatever becomes of its request and of the answers of the warehouse."""

import asyncio
from collections.abc import AsyncGenerator

from twin_common.authors import Author
from twin_common.events import CrawlCounts, CrawlReported, CrawlRequested, LinkOutcome, RunStatus
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_crawler.run_protocol import RunProgress, RunSpec
from twin_crawler.runs import RunExecutor
from twin_crawler.settings import CrawlPolicy

_ADA = AuthorId("ada")


class Children:
    """Stands in for the child processes: the first finds four documents, later ones find them unchanged."""

    def __init__(self) -> None:
        self.specs: list[RunSpec] = []
        self.running = 0

    async def run(self, spec: RunSpec) -> AsyncGenerator[RunProgress, None]:
        self.specs.append(spec)
        self.running += 1
        assert self.running == 1, "two crawls of one author at once"
        outcome = LinkOutcome.INSERTED if len(self.specs) == 1 else LinkOutcome.UNCHANGED
        yield RunProgress(counts=CrawlCounts(discovered=4))
        await asyncio.sleep(0.3)
        yield RunProgress(
            counts=CrawlCounts.model_validate({"discovered": 4, outcome.value: 4}), finished=True
        )
        self.running -= 1


class TestRequestsDeliveredTwice:
    async def test_a_run_is_done_once_by_whichever_copy_and_its_report_stays(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.authors.put(Author(author_id=_ADA, name="Ada", links=("https://a.example/",)))
        children, told = Children(), list[CrawlReported]()

        async def publish(report: CrawlReported) -> None:
            told.append(report)

        copies = [RunExecutor(warehouse, publish, children.run, CrawlPolicy()) for _ in range(2)]
        first, second = CrawlRequested(author_id=_ADA), CrawlRequested(author_id=_ADA)
        await asyncio.gather(*(copy.execute(first, None) for copy in copies for _ in range(2)))
        await asyncio.gather(*(copy.execute(event, None) for copy in copies for event in (second, first)))
        assert len(children.specs) == 2
        reports = [await warehouse.crawls.run(_ADA, event.run_id) for event in (first, second)]
        assert [(report.counts.inserted, report.counts.unchanged) for report in reports if report] == [
            (4, 0),
            (0, 4),
        ]
        ended = [report.run_id for report in told if report.status is RunStatus.FINISHED]
        assert ended == [first.run_id, second.run_id]
