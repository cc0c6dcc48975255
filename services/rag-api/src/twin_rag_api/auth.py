"""Who is asking: API keys, and the proof of an author that every search needs."""

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final, Protocol, final

from pymongo.asynchronous.database import AsyncDatabase

from twin_common.clock import Clock, utc_now
from twin_common.errors import TwinError
from twin_common.identity import AuthorId, parse_author_id

KEY_PREFIX = "twin_"
_KEY_BYTES = 32
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

    __slots__ = ("_author_id",)

    def __init__(self, author_id: AuthorId, seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("an AuthorScope comes from authenticating a key, and from nowhere else")
        self._author_id = author_id

    @property
    def author_id(self) -> AuthorId:
        return self._author_id

    def __repr__(self) -> str:
        return f"AuthorScope({self._author_id!r})"


class KeyDirectory(Protocol):
    """Knows to whom a key belongs."""

    async def owner(self, key_hash: str) -> AuthorId | None:
        """The author whose valid key has this hash, or None."""


class ApiKeys:
    """The collection `api_keys`: hashes of keys, one author each. The keys themselves are nowhere."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], clock: Clock = utc_now) -> None:
        self._collection = database["api_keys"]
        self._clock = clock

    async def create(self, author_id: AuthorId, label: str) -> str:
        """Make a key for an author and return it; it cannot be read again later."""
        key = KEY_PREFIX + token_urlsafe(_KEY_BYTES)
        row = {"_id": hash_key(key), "author_id": author_id, "label": label, "created_at": self._clock()}
        await self._collection.insert_one(row)
        return key

    async def revoke(self, author_id: AuthorId, label: str) -> int:
        """Shut the author's keys of this label, within seconds everywhere; how many there were."""
        result = await self._collection.update_many(
            {"author_id": author_id, "label": label, "revoked_at": {"$exists": False}},
            {"$set": {"revoked_at": self._clock()}},
        )
        return result.modified_count

    async def owner(self, key_hash: str) -> AuthorId | None:
        row = await self._collection.find_one({"_id": key_hash})
        if row is None or row.get("revoked_at") is not None:
            return None
        return parse_author_id(row["author_id"])


class Authenticator:
    """Turns a key into an `AuthorScope`; remembers answers for a few seconds, so that most cost nothing."""

    def __init__(self, directory: KeyDirectory, now: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._now = now
        self._known: OrderedDict[str, tuple[float, AuthorId | None]] = OrderedDict()

    async def authenticate(self, key: str) -> AuthorScope:
        """The author this key belongs to.

        Raises:
            Unauthenticated: nobody's key, or a revoked one.
        """
        if not key.startswith(KEY_PREFIX) or len(key) > _LONGEST_KEY:
            raise Unauthenticated("this is no API key of this platform: make one with: twin author add FILE")
        author_id = await self._owner(hash_key(key))
        if author_id is None:
            raise Unauthenticated("this API key is unknown or revoked: make one with: twin author add FILE")
        return AuthorScope(author_id, _SEAL)

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


def hash_key(key: str) -> str:
    """What is stored of a key. It is 256 random bits, so one plain sha256 cannot be searched back."""
    return sha256(key.encode()).hexdigest()
