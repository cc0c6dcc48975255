"""What was erased is gone from every collection, and no writer brings it back."""

import asyncio

import pytest

from twin_common.authors import Author
from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft
from twin_common.events import CrawlReported, RunStatus
from twin_common.identity import AuthorId
from twin_common.warehouse import PageState, Warehouse
from twin_common.warehouse.erasures import AuthorErased

ADA, BOB = AuthorId("ada"), AuthorId("bob")


def draft(number: int, author: AuthorId = ADA, text: str = "Text.") -> DocumentDraft:
    return DocumentDraft.at(
        author, f"https://{author}.example/{number}", category=list(Category)[number % 3], text=text
    )


def page(number: int, author: AuthorId = ADA) -> PageState:
    document = draft(number, author)
    return PageState(author_id=author, url=document.url, document_id=document.document_id)


def report(author: AuthorId) -> CrawlReported:
    return CrawlReported(
        run_id=f"run-{author}", author_id=author, status=RunStatus.FINISHED, started_at=utc_now()
    )


async def fill(warehouse: Warehouse, author: AuthorId) -> None:
    await warehouse.authors.put(Author(author_id=author, name=author))
    await warehouse.documents.put_many([draft(number, author) for number in range(6)])
    gone = draft(5, author)
    await warehouse.documents.delete(gone.document_id, gone.category)
    await warehouse.crawls.save_pages([page(number, author) for number in range(3)])
    await warehouse.crawls.save_run(report(author))
    await warehouse.database["api_keys"].insert_one({"_id": f"hash-{author}", "author_id": author})


async def rows_of(warehouse: Warehouse, author: AuthorId) -> int:
    total = 0
    for name in await warehouse.database.list_collection_names():
        condition = {"$or": [{"author_id": author}, {"_id": author}]}
        total += await warehouse.database[name].count_documents(condition)
    return total


class TestAuthor:
    async def test_nothing_of_the_author_is_left_and_all_of_others(self, warehouse: Warehouse) -> None:
        for author in (ADA, BOB):
            await fill(warehouse, author)
        before = await rows_of(warehouse, BOB)
        counts = await warehouse.erasures.erase_author(ADA)
        assert counts["api_keys"] == counts["authors"] == counts["crawl_runs"] == 1
        assert sum(counts[name] for name in ("articles", "posts", "code")) == 5
        assert await rows_of(warehouse, ADA) == 0
        assert await rows_of(warehouse, BOB) == before
        assert await warehouse.erasures.erase_author(ADA) == {}

    async def test_no_writer_brings_it_back(self, warehouse: Warehouse) -> None:
        await fill(warehouse, ADA)
        await warehouse.erasures.erase_author(ADA)
        with pytest.raises(AuthorErased, match="twin author add"):
            await warehouse.documents.put(draft(1))
        with pytest.raises(AuthorErased):
            await warehouse.crawls.save_pages([page(1)])
        await warehouse.crawls.save_run(report(ADA))
        assert await rows_of(warehouse, ADA) == 0

    async def test_writers_that_are_under_way_leave_nothing(self, warehouse: Warehouse) -> None:
        async def write() -> None:
            for number in range(1000):
                await warehouse.documents.put_many(
                    [draft(number), draft(number + 1, text=f"Edition {number}.")]
                )

        writers = [asyncio.create_task(write()) for _ in range(3)]
        while not [version async for version in warehouse.documents.versions(ADA)]:
            await asyncio.sleep(0.01)
        await warehouse.erasures.erase_author(ADA)
        ended = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(error, AuthorErased) for error in ended)
        assert await rows_of(warehouse, ADA) == 0

    async def test_an_author_who_registers_anew_begins_anew(self, warehouse: Warehouse) -> None:
        await fill(warehouse, ADA)
        await warehouse.erasures.erase_author(ADA)
        await warehouse.authors.put(Author(author_id=ADA, name="Ada"))
        assert (await warehouse.documents.put(draft(1))).version == 1


class TestDocument:
    async def test_it_stays_away_while_the_others_are_written(self, warehouse: Warehouse) -> None:
        await fill(warehouse, ADA)
        erased = draft(1)
        counts = await warehouse.erasures.erase_document(erased.document_id)
        assert counts == {"posts": 1, "crawl_state": 1}
        outcomes = await warehouse.documents.put_many([draft(1, text="Back."), draft(2, text="New.")])
        assert [outcome.version for outcome in outcomes] == [0, 2]
        assert await warehouse.documents.get(erased.document_id) is None
        assert erased.url not in await warehouse.crawls.pages(ADA)
