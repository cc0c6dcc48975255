"""An author is erased while their documents are still being written, and nothing comes back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from qdrant_client import AsyncQdrantClient, models
from typer.testing import CliRunner

from twin_common.authors import Author
from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId, parse_author_id
from twin_common.vector_index import CHUNKS, DOCUMENTS, connect
from twin_common.warehouse import Warehouse
from twin_common.warehouse.erasures import AuthorErased
from twin_feature_stream.datasets.registry import DatasetRegistry
from twin_feature_stream.datasets.triggers import LastBuild
from twin_feature_stream.reconcile import compare
from twin_local.authors import register_author
from twin_local.cli.main import app
from twin_local.connection import Connection
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import free_port

pytestmark = pytest.mark.integration

ADA, BOB, EVE = (parse_author_id(name) for name in ("ada", "bob", "eve"))


def draft(author: AuthorId, number: int) -> DocumentDraft:
    text = f"Note {number}: the harbour of {author} closes when ice is reported."
    return DocumentDraft.at(author, f"https://{author}.example/{number}", category=Category.POST, text=text)


async def points_of(client: AsyncQdrantClient, author: AuthorId) -> int:
    mine = models.FieldCondition(key="author_id", match=models.MatchValue(value=author))
    condition = models.Filter(must=[mine])
    return sum([(await client.count(name, condition, exact=True)).count for name in (CHUNKS, DOCUMENTS)])


async def until(condition: Any) -> None:
    async with asyncio.timeout(120):
        while not await condition():
            await asyncio.sleep(0.2)


async def test_erased_is_gone_everywhere_and_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_HOME", str(tmp_path))
    home = TwinHome(tmp_path)
    environment = {"EMBEDDING_BACKEND": "hashing", "FEATURE_STREAM_RECONCILE_INTERVAL_SECONDS": "5"}
    options = PlatformOptions(home, api_port=free_port(), environment=environment)
    async with Platform(options) as running:
        connection = Connection(home, running.environment)
        client = connect(connection.vector_index)
        async with Warehouse(connection.warehouse) as warehouse:
            for author in (ADA, BOB, EVE):
                await register_author(connection, Author(author_id=author, name=author))
                await warehouse.documents.put_many([draft(author, number) for number in range(20)])

            async def equal() -> bool:
                return not await compare(warehouse, client)

            async def write() -> None:
                for number in range(100, 100_000):
                    await warehouse.documents.put(draft(ADA, number))

            await until(equal)
            [known] = await twin("status", draft(BOB, 3).url, "--json")
            assert (known["state"], known["way"][-1]["stage"]) == ("searchable", "searchable")
            writing = asyncio.create_task(write())
            await asyncio.sleep(1)
            ours, others = answers_about(home, ADA), answers_about(home, BOB)
            report = await twin("erase", ADA, "--yes", "--json")
            assert report["points_left"] == 0
            assert report["rows"]["posts"] >= 20
            assert (report["build_files"], ours.exists(), others.exists()) == (2, False, True)
            with pytest.raises(AuthorErased):
                await writing
            assert ADA not in home.api_keys()

            one = draft(BOB, 3)
            report = await twin("erase", BOB, "--document", one.url, "--yes", "--json")
            assert report["points_left"] == 0
            await warehouse.documents.put_many([draft(BOB, number) for number in range(21)])

            key = connection.key(EVE)
            async with httpx.AsyncClient(base_url=connection.api_url, trust_env=False, timeout=120) as http:
                headers = {"Authorization": f"Bearer {key}"}
                assert (await http.delete("/v1/author?confirm=bob", headers=headers)).status_code == 422
                answer = await http.delete(f"/v1/author?confirm={EVE}", headers=headers)
                assert answer.status_code == 200, answer.text
                assert answer.json()["rows"]["posts"] == 20
                await asyncio.sleep(4)
                assert (await http.get("/v1/author", headers=headers)).status_code == 401

            await until(equal)
            assert await points_of(client, ADA) == await points_of(client, EVE) == 0
            stored = [version.document_id async for version in warehouse.documents.versions()]
            assert len(stored) == 20
            assert one.document_id not in stored
            again = await twin("erase", ADA, "--yes", "--json")
            assert (again["rows"], again["documents"]) == ({}, 0)
        await client.close()


def answers_about(home: TwinHome, author: AuthorId) -> Path:
    """What a build leaves beside the datasets: a model's answers about the text, and when it was."""
    registry = DatasetRegistry(home.registry)
    registry.set_last_build(author, LastBuild(at=utc_now(), documents={}))
    answers = registry.answers_file(author)
    answers.write_text(f"the harbour of {author}")
    return answers


async def twin(*arguments: str) -> Any:
    """What a command prints as JSON."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)
