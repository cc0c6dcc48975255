"""The checker is checked: real services with a bug on the wire to the store, and every bug is found."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.lying_store import LyingStore, lying_store
from tests.chaos.seeded_bugs import SEEDED_BUGS, SeededBug
from tests.chaos.vector_server import vector_server
from tests.integration.comparison import differences
from tests.integration.conftest import NO_RECONCILIATION, kafka_in, platform_on
from tests.integration.history import StepKind
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id
from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import Warehouse
from twin_feature_stream.reconcile import compare
from twin_local.connection import Connection
from twin_local.home import TwinHome

pytestmark = pytest.mark.integration

Report = Sequence[str]
_LONG, _SHORT = 16, 1
_UNHARMED = "unharmed"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All differences after every bug has had its document, and one document that none had."""
    folder = tmp_path_factory.mktemp("seeded-bugs")
    with kafka_in(folder / "kafka") as kafka:
        return asyncio.run(_seed_all(kafka, folder))


@pytest.mark.parametrize("bug", SEEDED_BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_found(bug: SeededBug, report: Report) -> None:
    concerned = {_draft(bug.name, 0).document_id, _bystander(bug).document_id}
    assert any(difference.split(":")[0] in concerned for difference in report), bug.name


def test_nothing_is_found_where_no_bug_was(report: Report) -> None:
    assert not any(_draft(_UNHARMED, 0).document_id in difference for difference in report)


async def _seed_all(kafka: str, folder: Path) -> Report:
    async with (
        vector_server(folder / "vector") as real,
        lying_store(real) as (store, url),
        platform_on(kafka, folder / "home", **NO_RECONCILIATION, QDRANT_URL=url) as platform,
        Warehouse(Connection(TwinHome(folder), platform.environment).warehouse) as warehouse,
    ):
        client = connect(VectorIndexSettings(url=real))
        try:
            drafts = [_draft(bug.name, 0) for bug in SEEDED_BUGS if bug.step is not StepKind.INSERT]
            drafts += [_draft(_UNHARMED, 0), *(_bystander(bug) for bug in SEEDED_BUGS)]
            await warehouse.documents.put_many(drafts)
            async with asyncio.timeout(240):
                while await compare(warehouse, client):
                    await asyncio.sleep(0.2)
            assert await differences(warehouse, client) == []
            for bug in SEEDED_BUGS:
                await _seed(bug, store, warehouse)
            return await differences(warehouse, client, encode_again=10_000)
        finally:
            await client.close()


async def _seed(bug: SeededBug, store: LyingStore, warehouse: Warehouse) -> None:
    draft = _draft(bug.name, 0)
    async with store.armed(bug, draft.document_id, _bystander(bug).document_id):
        if bug.step is StepKind.DELETE:
            await warehouse.documents.delete(draft.document_id, draft.category)
        elif bug.step is StepKind.SHRINK:
            await warehouse.documents.put(_draft(bug.name, 0, _SHORT))
        else:
            await warehouse.documents.put(_draft(bug.name, 1))


def _bystander(bug: SeededBug) -> DocumentDraft:
    return _draft(f"{bug.name} bystander", 0, _SHORT)


def _draft(name: str, edit: int, paragraphs: int = _LONG) -> DocumentDraft:
    """A document of several chunks, each of which differs from those of other edits."""
    text = [
        f"Paragraph {number} about {name}, edit {edit}, was written while the ferry waited in the harbour."
        for number in range(paragraphs)
    ]
    return DocumentDraft.at(
        parse_author_id("ada"),
        f"https://ada.example/{name.replace(' ', '-')}",
        category=Category.ARTICLE,
        title=name,
        text="\n\n".join(text),
    )
