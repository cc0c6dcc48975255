"""`twin dataset` against real servers."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient
from typer.testing import CliRunner, Result

from twin_common.documents import DocumentHead
from twin_common.identity import document_id, parse_author_id
from twin_common.index_builds import ensure_collections
from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import Warehouse
from twin_feature_stream.datasets.assembly import NotEnoughText
from twin_feature_stream.datasets.registry import UnknownDataset
from twin_feature_stream.index import Index
from twin_local.cli.main import app

ADA = parse_author_id("ada")


def article(number: int) -> DocumentHead:
    url = f"https://ada.example/{number}"
    paragraph = " ".join(
        f"Sentence {place} of article{number} says thing{number}{place}." for place in range(12)
    )
    fields: dict[str, Any] = {
        "document_id": document_id(ADA, url),
        "author_id": ADA,
        "version": 1,
        "content_hash": str(number),
        "category": "article",
        "platform": "web",
        "url": url,
        "title": f"Article {number}",
        "language": "en",
        "published_at": f"2026-01-{number + 1:02}",
        "text": paragraph,
        "text_length": len(paragraph),
        "status": "searchable",
    }
    return DocumentHead.model_validate(fields)


@pytest.fixture
async def index(
    warehouse: Warehouse,
    mongodb_url: str,
    qdrant_url: str,
    kafka_bootstrap: str,
    tmp_path: Path,
) -> AsyncIterator[AsyncQdrantClient]:
    """The vector index of the platform that the environment names."""
    client = connect(VectorIndexSettings(url=qdrant_url))
    for collection in (await client.get_collections()).collections:
        await client.delete_collection(collection.name)
    await ensure_collections(client, "hashing", 384)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {
            "TWIN_HOME": str(tmp_path),
            "MONGODB_URL": mongodb_url,
            "MONGODB_DATABASE": warehouse.database.name,
            "QDRANT_URL": qdrant_url,
            "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
            "COLUMNS": "200",
        }.items():
            patched.setenv(name, value)
        yield client
    await client.close()


async def run(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["dataset", *arguments])


async def test_build_list_show_and_diff(index: AsyncQdrantClient, tmp_path: Path) -> None:
    await Index(index).put_heads([article(number) for number in range(12)])
    first = json.loads((await run("build", "--author", "ada", "--json")).stdout)
    again = await run("build", "--author", "ada")
    assert first["is_new"]
    assert "Nothing has changed" in again.stdout

    await Index(index).put_heads([article(20)])
    second = json.loads((await run("build", "--author", "ada", "--json")).stdout)
    listed = json.loads((await run("list", "--json")).stdout)
    assert [row["dataset_id"] for row in listed] == [first["dataset_id"], second["dataset_id"]]
    assert (tmp_path / "registry/datasets" / second["dataset_id"] / "README.md").exists()

    shown = await run("show", second["dataset_id"])
    assert "documents: 13 of 13" in shown.stdout
    assert "It is small" in shown.stdout
    difference = json.loads((await run("diff", first["dataset_id"], second["dataset_id"], "--json")).stdout)
    assert difference["new_documents"] == [article(20).document_id]
    assert len(difference["added"]) == 1
    assert difference["removed"] == []


async def test_too_little_text_and_unknown_datasets_are_told_in_a_sentence(index: AsyncQdrantClient) -> None:
    await Index(index).put_heads([article(1)])
    refused = await run("build", "--author", "ada")
    assert isinstance(refused.exception, NotEnoughText)
    assert "at least 8 are needed" in str(refused.exception)
    assert isinstance((await run("show", "ada-0")).exception, UnknownDataset)
    assert "There is no dataset yet" in (await run("list")).stdout
