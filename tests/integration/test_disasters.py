"""Disks die, one after the other, and what was on them is rebuilt: each line of docs/operations/disasters.md.

The platform is the local one, whose event bus forgets everything whenever it ends: every start here is also
the loss of Kafka's volume together with the stream's positions.
"""

import asyncio
import json
import random
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from tests.integration.comparison import differences
from twin_common.authors import Author
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id
from twin_common.vector_index import DOCUMENTS, connect
from twin_common.warehouse import Warehouse
from twin_local.authors import register_author
from twin_local.backups import read_manifest
from twin_local.cli.main import app
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import free_port

pytestmark = pytest.mark.integration

log = structlog.get_logger(__name__)

ADA = parse_author_id("ada")
_DOCUMENTS = 60
_PATIENCE_SECONDS = 200


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwinHome]:
    monkeypatch.setenv("TWIN_HOME", str(tmp_path / "home"))
    # The services' encoder, and the one that the comparison encodes again with.
    monkeypatch.setenv("EMBEDDING_BACKEND", "hashing")
    yield TwinHome(tmp_path / "home")


@asynccontextmanager
async def _platform(home: TwinHome) -> AsyncIterator[Connection]:
    environment = {"FEATURE_STREAM_RECONCILE_INTERVAL_SECONDS": "5"}
    options = PlatformOptions(home, api_port=free_port(), environment=environment)
    async with Platform(options) as running:
        yield Connection(home, running.environment)


async def _wait_until_rebuilt(connection: Connection, documents: int, what: str) -> None:
    """Wait until the index holds exactly what the warehouse has, and say how long that took."""
    started, found = time.monotonic(), ["not compared yet"]
    client = connect(connection.vector_index)
    async with Warehouse(connection.warehouse) as warehouse:
        while found or (await client.count(DOCUMENTS, exact=True)).count != documents:
            assert time.monotonic() - started < _PATIENCE_SECONDS, f"{what}: {found[:5]}"
            await asyncio.sleep(0.5)
            found = await differences(warehouse, client)
        stored = [version async for version in warehouse.documents.versions()]
    await client.close()
    assert len(stored) == documents
    log.info(what, documents=documents, seconds=round(time.monotonic() - started, 1))


async def _twin(*arguments: str) -> Any:
    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


async def test_every_lost_disk_is_rebuilt(home: TwinHome, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    async with _platform(home) as connection:
        await register_author(connection, Author(author_id=ADA, name="Ada"))
        words = random.Random(1)
        texts = (" ".join(f"word{words.randrange(10_000)}" for _ in range(40)) for _ in range(_DOCUMENTS))
        drafts = [
            DocumentDraft.at(ADA, f"https://ada.example/{number}", category=Category.POST, text=text)
            for number, text in enumerate(texts)
        ]
        async with Warehouse(connection.warehouse) as warehouse:
            await warehouse.documents.put_many(drafts)
        await _wait_until_rebuilt(connection, _DOCUMENTS, "first load")
        written = await _twin("backup", str(folder))
        assert written["rows"]["posts"] == _DOCUMENTS
        assert _DOCUMENTS in written["points"].values()
        assert "cdc_state" not in written["rows"]

    shutil.rmtree(home.vector)
    async with _platform(home) as connection:
        await _wait_until_rebuilt(connection, _DOCUMENTS, "event bus, positions and vector store lost")

    shutil.rmtree(home.mongodb)
    async with _platform(home) as connection:
        # Nobody's index is served for documents that nobody has: what the warehouse lost, the index forgets.
        await _wait_until_rebuilt(connection, 0, "warehouse lost, no backup used")
        restored = await _twin("restore", str(folder))
        assert restored["rows"] == written["rows"]
        await _wait_until_rebuilt(connection, _DOCUMENTS, "warehouse restored")
        assert (await _twin("status"))["documents"]["searchable"] == _DOCUMENTS
        refused = await asyncio.to_thread(CliRunner().invoke, app, ["restore", str(folder)])
        assert "has documents" in str(refused.exception)


class TestDamagedBackups:
    def test_one_that_was_not_finished_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(PlatformError, match="no whole backup"):
            read_manifest(tmp_path)

    def test_a_changed_file_is_named(self, tmp_path: Path) -> None:
        manifest = {
            "created_at": "2026-01-01",
            "pipeline": "p1",
            "rows": {},
            "points": {},
            "files": {"warehouse.posts.bson.gz": "0" * 64},
        }
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / "warehouse.posts.bson.gz").write_bytes(b"changed")
        with pytest.raises(PlatformError, match=r"warehouse\.posts\.bson\.gz .* is not what was written"):
            read_manifest(tmp_path)
