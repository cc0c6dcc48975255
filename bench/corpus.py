"""A local platform with the real articles in it, for the benchmarks that need one."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from twin_common.authors import Author
from twin_common.identity import AuthorId, parse_author_id
from twin_common.warehouse import Warehouse
from twin_crawler.importing import import_file
from twin_local.authors import register_author
from twin_local.connection import Connection
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import free_port
from twin_local.status import platform_status

REPOSITORY = Path(__file__).parents[1]
AUTHOR: AuthorId = parse_author_id("bench")
_ARTICLES = REPOSITORY.parent / "shared/data/articles.jsonl"


@dataclass(frozen=True)
class Corpus:
    """A platform whose documents are all indexed."""

    connection: Connection
    file: Path
    documents: int


def articles_file() -> Path:
    """The real articles: BENCH_ARTICLES, else the shared data, else the sample author's posts."""
    given = os.environ.get("BENCH_ARTICLES")
    if given:
        return Path(given)
    return _ARTICLES if _ARTICLES.exists() else REPOSITORY / "samples/posts.jsonl"


@asynccontextmanager
async def corpus_platform() -> AsyncIterator[Corpus]:
    """Start a platform in a temporary folder, import the articles, and wait until it is idle."""
    with tempfile.TemporaryDirectory(prefix="twin-bench-") as folder:
        home = TwinHome(Path(folder))
        async with Platform(PlatformOptions(home, api_port=free_port())) as platform:
            connection = Connection(home, platform.environment)
            await register_author(connection, Author(author_id=AUTHOR, name="Bench"))
            file = articles_file()
            async with Warehouse(connection.warehouse) as warehouse:
                report = await import_file(file, AUTHOR, warehouse, lambda *_: None)
            while (await platform_status(connection)).counts["pending"]:
                await asyncio.sleep(0.5)
            await asyncio.sleep(2)
            yield Corpus(connection, file, report.inserted)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
