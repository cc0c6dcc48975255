"""All that is there, and all that is known to be gone."""

from services.cdc.tests.conftest import DraftMaker
from twin_cdc.back_fill import BackFill
from twin_cdc.mapping import Change, Delete, Upsert
from twin_common.documents import Category
from twin_common.warehouse import Warehouse


class TestDocuments:
    async def test_are_those_of_every_category_in_batches(
        self, warehouse: Warehouse, draft: DraftMaker
    ) -> None:
        outcomes = await warehouse.documents.put_many(
            [draft(number, category=list(Category)[number % 3]) for number in range(30)]
        )
        back_fill = BackFill(warehouse.database, 4)
        batches = [batch async for batch in back_fill.documents()]
        found = [change for batch in batches for change in batch]
        assert {change.document_id for change in found} == {outcome.document_id for outcome in outcomes}
        assert len(found) == 30
        assert max(len(batch) for batch in batches) == 4
        assert {change.category for change in found if isinstance(change, Upsert)} == set(Category)
        assert await back_fill.expected() == 30


class TestDeletions:
    async def test_are_those_of_documents_that_did_not_come_back_with_their_last_version(
        self, warehouse: Warehouse, draft: DraftMaker
    ) -> None:
        gone, back, *_ = await warehouse.documents.put_many([draft(number) for number in range(3)])
        await warehouse.documents.put(draft(0, "second"))
        for outcome in (gone, back):
            await warehouse.documents.delete(outcome.document_id, Category.ARTICLE)
        await warehouse.documents.put(draft(1, category=Category.POST))
        found: list[Change] = [
            change async for batch in BackFill(warehouse.database, 50).deletions() for change in batch
        ]
        assert found == [Delete(gone.document_id, version=2)]
