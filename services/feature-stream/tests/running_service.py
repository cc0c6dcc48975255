"""The service in a process of its own, for the tests that need it so."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from qdrant_client import AsyncQdrantClient

from twin_common.documents import Category, DocumentDraft, HeadStatus
from twin_common.events import DocumentUpserted, Message, encode
from twin_common.identity import AuthorId
from twin_common.vector_index import head_summaries
from twin_common.warehouse import Warehouse
from twin_feature_stream.reconcile import compare


class Service:
    """Starts and ends the process; `index` and `warehouse` are looked at from here."""

    def __init__(self, environment: dict[str, str], client: AsyncQdrantClient, warehouse: Warehouse) -> None:
        self.environment = environment
        self.index = client
        self.warehouse = warehouse
        self.port = int(environment["FEATURE_STREAM_HTTP_PORT"])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "twin_feature_stream"]
        self.process = subprocess.Popen(command, env=os.environ | self.environment)

    def end(self, number: int) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """The exit code, once it ended by itself."""
        assert self.process
        return self.process.wait(120)

    def kill(self) -> None:
        """Whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def counted(self, series: str) -> float:
        """A number out of `/metrics`; 0 where it is not told yet."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(series + " ")]
        return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0

    async def ready(self) -> None:
        await self._until(lambda: self._status("/readyz", 200))

    async def searchable(self, count: int, version: int = 1) -> None:
        async def enough() -> bool:
            heads = [head async for head in head_summaries(self.index)]
            done = [
                head for head in heads if head.version == version and head.status is HeadStatus.SEARCHABLE
            ]
            return len(done) == count

        await self._until(enough)

    async def settled(self) -> None:
        async def equal() -> bool:
            return not await compare(self.warehouse, self.index)

        await self._until(equal)

    async def _status(self, path: str, status: int) -> bool:
        return (await asyncio.to_thread(self.get, path))[0] == status

    async def _until(self, condition: Any, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not await condition():
            assert time.monotonic() < deadline, self.get("/readyz")
            assert self.process is None or self.process.poll() is None, "the service ended"
            await asyncio.sleep(0.05)


def draft(number: int, text: str) -> DocumentDraft:
    """One of Ada's articles."""
    return DocumentDraft.at(
        AuthorId("ada"), f"https://ada.example/{number}", category=Category.ARTICLE, text=text
    )


def text(number: int, edition: int = 1) -> str:
    """Thirty sentences that no other article or edition has."""
    return " ".join(f"Sentence {line} of article {number}, edition {edition}." for line in range(30))


async def upserts(warehouse: Warehouse) -> list[Message]:
    """What cdc would say about every document of the warehouse, by claim check."""
    return [
        encode(
            DocumentUpserted(
                document_id=stored.document_id, category=stored.category, version=stored.version
            ),
            "cdc",
        )
        async for stored in warehouse.documents.versions()
    ]
