"""What must survive a lost disk, in a folder: every room of the warehouse, and the points of the live index.

Read through the servers' own protocols, so that a backup of one machine can be restored on any platform. The
warehouse alone is enough: the index is kept because encoding it again takes longer than reading it back.
"""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

import bson
from qdrant_client import AsyncQdrantClient, models

from twin_cdc.state import COLLECTION as CDC_STATE
from twin_common.clock import utc_now
from twin_common.index_builds import Role, read_builds
from twin_common.vector_index import PIPELINE_VERSION
from twin_common.warehouse import Warehouse
from twin_local.errors import PlatformError
from twin_local.files import write_atomically

_FORMAT = 1
_PAGE = 500
# Positions and turns are true of the server that they were taken from; another would take them for its own.
_LEFT_OUT = frozenset({CDC_STATE, "author_leases"})


@dataclass(frozen=True)
class Backup:
    """What a folder holds; `manifest.json` in it."""

    created_at: str
    pipeline: str
    rows: dict[str, int]
    """Of each collection of the warehouse."""
    points: dict[str, int]
    """Of each collection of the index."""
    files: dict[str, str]
    """The SHA-256 of each file, by its name in the folder."""
    format: int = _FORMAT


async def write_backup(warehouse: Warehouse, index: AsyncQdrantClient, folder: Path) -> Backup:
    """Copy everything into a new folder; the manifest comes last, so that half a backup is none.

    What is written meanwhile may be in it or not; each row is whole.

    Raises:
        PlatformError: the folder holds something already.
    """
    _make_new(folder)
    rows, points = {}, {}
    for name in sorted(set(await warehouse.database.list_collection_names()) - _LEFT_OUT):
        rows[name] = await _write(folder / f"warehouse.{name}.bson.gz", _rows(warehouse, name))
    builds = await read_builds(index)
    for name in asdict(builds[Role.LIVE].collections).values() if Role.LIVE in builds else ():
        points[name] = await _write(folder / f"index.{name}.jsonl.gz", _points(index, name))
    backup = Backup(utc_now().isoformat(), PIPELINE_VERSION, rows, points, _digests(folder))
    write_atomically(folder / "manifest.json", json.dumps(asdict(backup), indent=2) + "\n", mode=0o600)
    return backup


def read_manifest(folder: Path) -> Backup:
    """What a folder holds, once every file has been found to be what was written.

    Raises:
        PlatformError: it is no whole backup, or a file has changed since.
    """
    try:
        backup = Backup(**json.loads((folder / "manifest.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise PlatformError(f"{folder} holds no whole backup ({error})") from error
    for name, digest in backup.files.items():
        if not (folder / name).exists() or _digest(folder / name) != digest:
            raise PlatformError(f"{name} in {folder} is not what was written: use another backup")
    return backup


async def restore_backup(warehouse: Warehouse, index: AsyncQdrantClient, folder: Path) -> Backup:
    """Put a backup into stores that have no documents yet; what differs afterwards the stream mends.

    The index comes first: an event whose document it has already is skipped without encoding.

    Raises:
        PlatformError: the folder is no whole backup, or the warehouse has documents.
    """
    backup = read_manifest(folder)
    async for _ in warehouse.documents.versions():
        raise PlatformError("the warehouse has documents: restore into an empty one")
    builds = await read_builds(index)
    live = asdict(builds[Role.LIVE].collections).values() if Role.LIVE in builds else ()
    for name in backup.points.keys() & set(live):
        for page in _pages(_lines(folder / f"index.{name}.jsonl.gz")):
            await index.upsert(name, [models.PointStruct(**point) for point in page], wait=True)
    for name in backup.rows:
        collection = warehouse.database[name]
        for page in _pages(_documents(folder / f"warehouse.{name}.bson.gz")):
            # What the new platform has made of itself already, such as an author, gives way.
            await collection.delete_many({"_id": {"$in": [row["_id"] for row in page]}})
            await collection.insert_many(page)
    return backup


async def _rows(warehouse: Warehouse, name: str) -> AsyncIterator[bytes]:
    async for row in warehouse.database[name].find():
        yield bson.encode(row)


async def _points(index: AsyncQdrantClient, name: str) -> AsyncIterator[bytes]:
    offset = None
    while True:
        points, offset = await index.scroll(
            name, limit=_PAGE, offset=offset, with_payload=True, with_vectors=True
        )
        for point in points:
            kept = point.model_dump(mode="json", include={"id", "payload", "vector"})
            yield json.dumps(kept | {"vector": kept["vector"] or {}}).encode() + b"\n"
        if offset is None:
            return


async def _write(path: Path, pieces: AsyncIterator[bytes]) -> int:
    count = 0
    with gzip.open(path, "wb", compresslevel=5) as file:
        async for piece in pieces:
            file.write(piece)
            count += 1
    return count


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rb") as file:
        yield from bson.decode_file_iter(cast("IO[bytes]", file))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rb") as file:
        yield from map(json.loads, file)


def _pages(entries: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    for entry in entries:
        page.append(entry)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _make_new(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise PlatformError(f"{folder} is not empty: name a new folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: _digest(path) for path in sorted(folder.glob("*.gz"))}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
