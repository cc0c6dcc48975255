"""Stores what a crawl found: first the documents, then what is remembered of their pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from twin_common.events import LinkOutcome
from twin_common.warehouse import PageState, Warehouse, WriteKind
from twin_crawler.failures import Failure
from twin_crawler.page_memory import PageMemory
from twin_crawler.reporter import Reporter
from twin_crawler.visits import Gone, Noted, PageAddress, Unchanged, Visit, Written

_OUTCOMES = {
    WriteKind.INSERTED: LinkOutcome.INSERTED,
    WriteKind.UPDATED: LinkOutcome.UPDATED,
    WriteKind.UNCHANGED: LinkOutcome.UNCHANGED,
}


@dataclass(frozen=True)
class PageVisit:
    """A page of a crawl and what became of it."""

    address: PageAddress
    visit: Visit


class PageStore:
    """The warehouse as a crawl writes to it."""

    def __init__(
        self, warehouse: Warehouse, memory: PageMemory, reporter: Reporter, traceparent: str | None
    ) -> None:
        self._warehouse = warehouse
        self._memory = memory
        self._reporter = reporter
        self._traceparent = traceparent

    async def store(self, visits: Sequence[PageVisit], written_at: datetime) -> None:
        """Store a batch. The states come last: a crash before them means that the pages are read again.

        A batch that could not be stored whole may be given again, with the same `written_at`; it is counted
        once, and as what its first try did.
        """
        outcomes: list[tuple[PageAddress, LinkOutcome]] = []
        written: list[tuple[PageAddress, Written]] = []
        states: list[PageState] = []
        for address, visit in ((entry.address, entry.visit) for entry in visits):
            match visit:
                case Failure():
                    pass
                case Unchanged():
                    outcomes.append((address, LinkOutcome.UNCHANGED))
                    states.append(visit.state)
                case Noted():
                    states.append(visit.state)
                case Gone():
                    outcome = LinkOutcome.DELETED if visit.for_good else LinkOutcome.GONE_ONCE
                    outcomes.append((address, outcome))
                    states.append(await self._forget(visit))
                case Written() if self._is_alias(visit):
                    outcomes.append((address, LinkOutcome.UNCHANGED))
                    states.append(visit.state.model_copy(update={"document_id": None, "category": None}))
                case Written():
                    written.append((address, visit))
                    states.append(visit.state)
        outcomes += await self._write(written, written_at)
        await self._delete_abandoned(states)
        await self._warehouse.crawls.save_pages(states)
        self._memory.update(states)
        for address, outcome in outcomes:
            self._reporter.handled(address, outcome)
        for address, failure in ((entry.address, entry.visit) for entry in visits):
            if isinstance(failure, Failure):
                self._reporter.failed(address, failure)

    async def _write(
        self, written: Sequence[tuple[PageAddress, Written]], written_at: datetime
    ) -> list[tuple[PageAddress, LinkOutcome]]:
        if not written:
            return []
        drafts = [visit.draft for _, visit in written]
        outcomes = await self._warehouse.documents.put_many(drafts, self._traceparent, written_at)
        addresses = (address for address, _ in written)
        kinds = (_OUTCOMES[outcome.kind] for outcome in outcomes)
        return list(zip(addresses, kinds, strict=True))

    async def _forget(self, gone: Gone) -> PageState:
        """Delete the document of a page that is gone for good, unless another page still gives it."""
        if not gone.for_good:
            return gone.state
        await self._delete(gone.state)
        return gone.state.model_copy(update={"document_id": None, "category": None})

    async def _delete_abandoned(self, states: Sequence[PageState]) -> None:
        """Delete the documents of pages that now give another one: they moved, or were renamed."""
        for state in states:
            before = self._memory.state_of(state.url)
            if before is not None and before.document_id != state.document_id and state.gone_count == 0:
                await self._delete(before)

    async def _delete(self, state: PageState) -> None:
        if (
            state.document_id
            and state.category
            and not self._memory.is_held_elsewhere(state.document_id, state.url)
        ):
            await self._warehouse.documents.delete(state.document_id, state.category)

    def _is_alias(self, visit: Written) -> bool:
        """Whether the page says that it is another page, which this crawl reads too."""
        canonical = visit.draft.canonical_url
        return canonical != visit.state.url and self._memory.is_listed(canonical)
