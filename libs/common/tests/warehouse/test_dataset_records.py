"""Records of datasets, against a real server."""

from datetime import timedelta

from twin_common.clock import utc_now
from twin_common.events import DatasetReady
from twin_common.identity import AuthorId
from twin_common.warehouse import DatasetRecord, Warehouse

ADA, BOB = AuthorId("ada"), AuthorId("bob")


def record(number: int, author_id: AuthorId = ADA) -> DatasetRecord:
    event = DatasetReady(
        dataset_id=f"{author_id}-{number}",
        author_id=author_id,
        content_hash=str(number),
        location=f"datasets/{number}",
        documents=3,
        train_samples=9,
        test_samples=1,
        preference_pairs=0,
        created_at=utc_now() + timedelta(minutes=number),
    )
    return DatasetRecord.of(event, {"rows": {"instruct/train": 9}})


class TestDatasetRecords:
    async def test_an_author_sees_their_own_newest_first(self, warehouse: Warehouse) -> None:
        for entry in (record(1), record(2), record(3, BOB)):
            await warehouse.datasets.put(entry)
        await warehouse.datasets.put(record(1))
        assert [found.dataset_id for found in await warehouse.datasets.all(ADA)] == ["ada-2", "ada-1"]
        assert (await warehouse.datasets.all(BOB))[0].report == {"rows": {"instruct/train": 9}}

    async def test_an_erased_author_has_none_and_gets_none(self, warehouse: Warehouse) -> None:
        await warehouse.datasets.put(record(1))
        assert (await warehouse.erasures.erase_author(ADA))["datasets"] == 1
        await warehouse.datasets.put(record(2))
        assert await warehouse.datasets.all(ADA) == []
