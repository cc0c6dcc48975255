"""Who is asking: API keys, and the proof of an author that every search needs."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final, Protocol, final

from pydantic import TypeAdapter
from pymongo.asynchronous.database import AsyncDatabase

from twin_common.clock import Clock, utc_now
from twin_common.documents import Timestamp
from twin_common.errors import TwinError
from twin_common.identity import AuthorId, parse_author_id

KEY_PREFIX = "twin_"
_KEY_BYTES = 32
_KEY_ID_LENGTH = 12
_LONGEST_KEY = 128
_CACHE_SECONDS = 3.0
_CACHE_SIZE = 4096


class Unauthenticated(TwinError):
    """No key was given, or none that opens anything."""


@final
class _Seal:
    """Held by this module alone: whoever has it may vouch for an author."""


_SEAL: Final = _Seal()


@final
class AuthorScope:
    """The proof that a request speaks for one author; only `Authenticator.authenticate` makes one.

    Whatever reads an author's data takes it as its first argument, so that reading without an author, or
    for an author that a body or a model named, is an error of types.
    """

    __slots__ = ("_author_id", "_key_id")

    def __init__(self, author_id: AuthorId, key_id: str, seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("an AuthorScope comes from authenticating a key, and from nowhere else")
        self._author_id = author_id
        self._key_id = key_id

    @property
    def author_id(self) -> AuthorId:
        return self._author_id

    @property
    def key_id(self) -> str:
        """Which of the author's keys it was; it opens nothing."""
        return self._key_id

    def __repr__(self) -> str:
        return f"AuthorScope({self._author_id!r})"


@dataclass(frozen=True)
class KeyRecord:
    """What is known of a key besides the key itself."""

    key_id: str
    """Enough of its hash to name it; it opens nothing."""
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def opens(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyDirectory(Protocol):
    """Knows to whom a key belongs."""

    async def owner(self, key_hash: str) -> AuthorId | None:
        """The author whose valid key has this hash, or None."""


class ApiKeys:
    """The collection `api_keys`: hashes of keys, one author each. The keys themselves are nowhere."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], clock: Clock = utc_now) -> None:
        self._collection = database["api_keys"]
        self._clock = clock

    async def create(self, author_id: AuthorId, label: str, expires_at: datetime | None = None) -> str:
        """Make a key for an author and return it; it cannot be read again later."""
        key = KEY_PREFIX + token_urlsafe(_KEY_BYTES)
        row = {
            "_id": hash_key(key),
            "author_id": author_id,
            "label": label,
            "created_at": self._clock(),
            "expires_at": expires_at,
        }
        await self._collection.insert_one(row)
        return key

    async def all(self, author_id: AuthorId) -> list[KeyRecord]:
        """The author's keys, oldest first, also those that open nothing any more."""
        rows = await self._collection.find({"author_id": author_id}).to_list()
        return sorted(map(_key_record, rows), key=lambda record: record.created_at)

    async def revoke(self, author_id: AuthorId, name: str) -> int:
        """Shut the author's keys of this label or key id, within seconds everywhere; how many there were."""
        ids = [
            row["_id"]
            async for row in self._collection.find({"author_id": author_id, "revoked_at": None})
            if name in (row["label"], key_id(row["_id"]))
        ]
        result = await self._collection.update_many(
            {"_id": {"$in": ids}}, {"$set": {"revoked_at": self._clock()}}
        )
        return result.modified_count

    async def owner(self, key_hash: str) -> AuthorId | None:
        row = await self._collection.find_one({"_id": key_hash})
        if row is None or not _key_record(row).opens(self._clock()):
            return None
        return parse_author_id(row["author_id"])


_timestamp = TypeAdapter(Timestamp)


def _key_record(row: dict[str, Any]) -> KeyRecord:
    def moment(field: str) -> datetime | None:
        value = row.get(field)
        return None if value is None else _timestamp.validate_python(value)

    created_at = _timestamp.validate_python(row["created_at"])
    return KeyRecord(key_id(row["_id"]), row["label"], created_at, moment("expires_at"), moment("revoked_at"))


class Authenticator:
    """Turns a key into an `AuthorScope`; remembers answers for a few seconds, so that most cost nothing."""

    def __init__(self, directory: KeyDirectory, now: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._now = now
        self._known: OrderedDict[str, tuple[float, AuthorId | None]] = OrderedDict()

    async def authenticate(self, key: str) -> AuthorScope:
        """The author this key belongs to.

        Raises:
            Unauthenticated: nobody's key, or one that was revoked or has expired.
        """
        if not key.startswith(KEY_PREFIX) or len(key) > _LONGEST_KEY:
            raise Unauthenticated("this is no API key of this platform: make one with: twin keys create")
        key_hash = hash_key(key)
        author_id = await self._owner(key_hash)
        if author_id is None:
            raise Unauthenticated("this API key opens nothing (any more): make one with: twin keys create")
        return AuthorScope(author_id, key_id(key_hash), _SEAL)

    async def _owner(self, key_hash: str) -> AuthorId | None:
        known = self._known.get(key_hash)
        if known is not None and known[0] > self._now():
            return known[1]
        author_id = await self._directory.owner(key_hash)
        self._known[key_hash] = (self._now() + _CACHE_SECONDS, author_id)
        self._known.move_to_end(key_hash)
        while len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return author_id


def key_id(key_hash: str) -> str:
    """What names a key to a person."""
    return key_hash[:_KEY_ID_LENGTH]


def hash_key(key: str) -> str:
    """What is stored of a key. It is 256 random bits, so one plain sha256 cannot be searched back."""
    return sha256(key.encode()).hexdigest()
