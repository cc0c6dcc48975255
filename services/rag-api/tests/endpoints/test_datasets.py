"""An author's datasets, as whoever built them left them in the warehouse."""

from twin_common.events import DatasetReady
from twin_common.warehouse import DatasetRecord, Warehouse

from ..conftest import ADA, BOB, Api


async def test_an_author_sees_their_own_with_the_report(api: Api, warehouse: Warehouse) -> None:
    event = DatasetReady(
        dataset_id="ada-1",
        author_id=ADA,
        content_hash="h",
        location="datasets/ada-1",
        documents=4,
        train_samples=20,
        test_samples=2,
        preference_pairs=3,
        warnings=("few pairs",),
    )
    await warehouse.datasets.put(DatasetRecord.of(event, {"documents dropped": {"too_short": 2}}))
    (entry,) = (await api.get("/v1/datasets")).json()["datasets"]
    assert (entry["dataset_id"], entry["train_samples"], entry["warnings"]) == ("ada-1", 20, ["few pairs"])
    assert entry["report"] == {"documents dropped": {"too_short": 2}}
    assert (await api.get("/v1/datasets", BOB)).json() == {"datasets": []}
