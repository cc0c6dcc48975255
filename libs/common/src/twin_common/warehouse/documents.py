"""The documents of the warehouse: `articles`, `posts` and `code`, one collection a category.

A write whose content equals the stored content changes nothing; any other write makes the version grow by
one, also across a deletion, so that of two versions of a document the higher one is always the newer.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from twin_common.clock import Clock, utc_now
from twin_common.documents import Category, DocumentDraft, RawDocument
from twin_common.identity import AuthorId
from twin_common.warehouse.document_rows import (
    COLLECTIONS,
    FACTS,
    IDENTITY,
    DocumentVersion,
    from_row,
    to_row,
    version_of,
)
from twin_common.warehouse.erasures import AuthorErased, Erasures

_DUPLICATE_KEY = 11000
_IDS_A_QUERY = 100
"""Of 1,000 ids at once the small local server took 60 times as long as of 100."""
_Operation = InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]]


class WriteKind(StrEnum):
    """What a write did."""

    INSERTED = "inserted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class WriteOutcome:
    """What became of one draft."""

    document_id: str
    kind: WriteKind
    version: int


class Documents:
    """Versioned documents; many writers may work at once, if they agree on a document's category."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], clock: Clock = utc_now) -> None:
        self._collections = {category: database[name] for category, name in COLLECTIONS.items()}
        self._deleted = database["deleted_versions"]
        self._erasures = Erasures(database)
        self._clock = clock

    async def create_indexes(self) -> None:
        for collection in self._collections.values():
            await collection.create_index("author_id")
            await collection.create_index([("author_id", 1), ("stored_at", -1), ("_id", 1)])

    async def put(self, draft: DocumentDraft, traceparent: str | None = None) -> WriteOutcome:
        """Store one draft; see `put_many`."""
        return (await self.put_many([draft], traceparent))[0]

    async def put_many(
        self,
        drafts: Sequence[DocumentDraft],
        traceparent: str | None = None,
        written_at: datetime | None = None,
    ) -> list[WriteOutcome]:
        """Store drafts, a few round trips for all of them.

        Of two drafts of one document the later one counts. A writer that loses a race against another
        tries again on what the other wrote. A document that its owner had erased is not stored: nothing
        changes, and its version is 0.

        Args:
            drafts: what to store.
            traceparent: W3C trace context of the writer.
            written_at: the time of the write; who repeats a call after a lost answer gives the same time
                again, and is told what the first call did.

        Returns:
            One outcome a draft, in order.

        Raises:
            AuthorErased: the author was erased.
        """
        now = written_at or self._clock()
        repeats = written_at is not None
        newest = {draft.document_id: draft for draft in drafts}
        erased = await self._erased(newest)
        outcomes = {key: WriteOutcome(key, WriteKind.UNCHANGED, 0) for key in erased}
        waiting = {key: draft for key, draft in newest.items() if key not in erased}
        while waiting:
            written = await self._write(waiting, traceparent, now, repeats=repeats)
            outcomes |= written
            waiting = {key: draft for key, draft in waiting.items() if key not in written}
        if late := await self._erased(newest) - erased:
            await self._remove_all(late)
        return [outcomes[draft.document_id] for draft in drafts]

    async def get(self, document_id: str, category: Category | None = None) -> RawDocument | None:
        """One document, or None."""
        for candidate in [category] if category else list(Category):
            row = await self._collections[candidate].find_one({"_id": document_id})
            if row is not None:
                return from_row(row)
        return None

    async def get_many(self, wanted: Iterable[tuple[str, Category]]) -> dict[str, RawDocument]:
        """The documents of these ids and categories; those that are gone are left out."""
        by_category: dict[Category, set[str]] = defaultdict(set)
        for document_id, category in wanted:
            by_category[category].add(document_id)
        found: dict[str, RawDocument] = {}
        for category, ids in by_category.items():
            async for row in self._collections[category].find({"_id": {"$in": list(ids)}}):
                found[row["_id"]] = from_row(row)
        return found

    async def delete(self, document_id: str, category: Category) -> bool:
        """Remove a document; its version is remembered in case it comes back. False: it was not there."""
        while row := await self._collections[category].find_one({"_id": document_id}, IDENTITY):
            if await self._remove(document_id, category, row):
                return True
        return False

    async def versions(self, author_id: AuthorId | None = None) -> AsyncIterator[DocumentVersion]:
        """Which version of each document is stored, of one author or of all."""
        query = {"author_id": author_id} if author_id else {}
        for category, collection in self._collections.items():
            async for row in collection.find(query, FACTS, batch_size=5000):
                yield version_of(row, category)

    async def versions_of(self, document_ids: Iterable[str]) -> dict[str, DocumentVersion]:
        """Which versions of these documents are stored; those that are not are left out."""
        found: dict[str, DocumentVersion] = {}
        wanted = list(document_ids)
        for start in range(0, len(wanted), _IDS_A_QUERY):
            query = {"_id": {"$in": wanted[start : start + _IDS_A_QUERY]}}
            for category, collection in self._collections.items():
                async for row in collection.find(query, FACTS):
                    found[row["_id"]] = version_of(row, category)
        return found

    async def urls(self, author_id: AuthorId) -> dict[str, str]:
        """Where a reader finds each document of an author, by document id."""
        found: dict[str, str] = {}
        for collection in self._collections.values():
            async for row in collection.find({"author_id": author_id}, {"url": 1}, batch_size=5000):
                found[row["_id"]] = row["url"]
        return found

    async def all(self, author_id: AuthorId | None = None) -> AsyncIterator[RawDocument]:
        """Every document whole, of one author or of all."""
        query = {"author_id": author_id} if author_id else {}
        for collection in self._collections.values():
            async for row in collection.find(query, batch_size=200):
                yield from_row(row)

    async def _erased(self, drafts: Mapping[str, DocumentDraft]) -> set[str]:
        """Those of the documents that must not be stored; what is there of an erased author goes."""
        authors = {draft.author_id for draft in drafts.values()}
        try:
            return await self._erasures.among(authors, drafts)
        except AuthorErased:
            await self._remove_all(drafts)
            raise

    async def _remove_all(self, document_ids: Iterable[str]) -> None:
        for collection in (*self._collections.values(), self._deleted):
            await collection.delete_many({"_id": {"$in": list(document_ids)}})

    async def _write(
        self,
        drafts: Mapping[str, DocumentDraft],
        traceparent: str | None,
        now: datetime,
        *,
        repeats: bool,
    ) -> dict[str, WriteOutcome]:
        """One attempt for every draft; those that lost a race are missing in the answer.

        With `repeats`, what is stored under this very time was stored by an earlier attempt.
        """
        stored = await self._stored_identities(drafts)
        written = {key for key, (_, row) in stored.items() if repeats and row["stored_at"] == now}
        deleted = await self._deleted_versions(drafts.keys() - stored.keys() | written)
        outcomes: dict[str, WriteOutcome] = {}
        writes: dict[Category, dict[str, _Operation]] = defaultdict(dict)
        for key, draft in drafts.items():
            content_hash = draft.hash_content()
            category, old = stored.get(key, (draft.category, None))
            if old is not None and old["content_hash"] == content_hash:
                kind = WriteKind.UNCHANGED
                if key in written:  # by this very call, whose answer was lost
                    first = old["version"] == deleted.get(key, 0) + 1
                    kind = WriteKind.INSERTED if first else WriteKind.UPDATED
                outcomes[key] = WriteOutcome(key, kind, old["version"])
                continue
            version = (old["version"] if old else deleted.get(key, 0)) + 1
            row = to_row(draft, content_hash, version, now, traceparent)
            moved = old is not None and category is not draft.category
            # Before the insert, so that its event comes first.
            if moved and old and not await self._remove(key, category, old):
                continue
            if old is None or moved:
                writes[draft.category][key] = InsertOne(row)
            else:
                # With upsert a lost race is a duplicate key: the server names each one of a batch.
                match = {"_id": key, "version": old["version"]}
                writes[draft.category][key] = ReplaceOne(match, row, upsert=True)
            outcomes[key] = WriteOutcome(key, WriteKind.UPDATED if old else WriteKind.INSERTED, version)
        for category, operations in writes.items():
            for key in await self._run(category, operations):
                del outcomes[key]
        return outcomes

    async def _run(self, category: Category, operations: Mapping[str, _Operation]) -> list[str]:
        """Run the writes of a collection; the ids of those that another writer was ahead of."""
        try:
            await self._collections[category].bulk_write(list(operations.values()), ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
                raise
            ids = list(operations)
            return [ids[failure["index"]] for failure in failures]
        return []

    async def _remove(self, document_id: str, category: Category, row: Mapping[str, Any]) -> bool:
        """Remove exactly this version, remembering it first; False: another writer was ahead."""
        version = row["version"]
        memory = {
            "$max": {"version": version},
            "$set": {"deleted_at": self._clock(), "author_id": row["author_id"]},
        }
        await self._deleted.update_one({"_id": document_id}, memory, upsert=True)
        result = await self._collections[category].delete_one({"_id": document_id, "version": version})
        return result.deleted_count == 1

    async def _stored_identities(
        self, drafts: Mapping[str, DocumentDraft]
    ) -> dict[str, tuple[Category, dict[str, Any]]]:
        query = {"_id": {"$in": list(drafts)}}
        found: dict[str, tuple[Category, dict[str, Any]]] = {}
        for category, collection in self._collections.items():
            async for row in collection.find(query, IDENTITY):
                found[row["_id"]] = (category, row)
        return found

    async def _deleted_versions(self, ids: Iterable[str]) -> dict[str, int]:
        query = {"_id": {"$in": list(ids)}}
        return {row["_id"]: row["version"] async for row in self._deleted.find(query)}
