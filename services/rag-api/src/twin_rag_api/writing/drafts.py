"""Texts that are being worked on, kept in the warehouse; what the owner changes teaches the twin."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid4, uuid5

import structlog
from pydantic import TypeAdapter
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from twin_common.clock import Clock, utc_now
from twin_common.errors import ServerUnavailable
from twin_common.events import FeedbackGiven
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import NotFound

log = structlog.get_logger(__name__)


class FeedbackState(StrEnum):
    """Whether the owner's changes are known to the platform."""

    NONE = "none"
    """There is nothing to learn from: the text was not generated, or is as it was generated."""
    GIVEN = "given"
    WAITING = "waiting"
    """The event bus was away; the next time the draft is saved it is tried again."""


@dataclass(frozen=True)
class Generated:
    """What a draft was generated as."""

    completion_id: str
    model: str
    prompt: str
    text: str


@dataclass(frozen=True)
class Content:
    """What is kept of a draft when it is saved."""

    preset: str
    title: str
    text: str
    generated: Generated | None = None


@dataclass(frozen=True)
class Draft:
    """A draft as it is kept."""

    draft_id: str
    content: Content
    feedback: FeedbackState
    created_at: datetime
    updated_at: datetime


class TakesFeedback(Protocol):
    """Where an edit goes."""

    async def give(self, feedback: FeedbackGiven) -> None:
        """Keep it and publish it.

        Raises:
            ServerUnavailable: the event bus does not answer.
        """


class Drafts:
    """The collection `drafts`; each belongs to one author, and is erased with them."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], feedback: TakesFeedback, clock: Clock = utc_now
    ) -> None:
        self._collection = database["drafts"]
        self._feedback = feedback
        self._clock = clock

    async def create_indexes(self) -> None:
        """Of what is looked for; safe to repeat."""
        await self._collection.create_index([("author_id", 1), ("updated_at", -1)])

    async def create(self, scope: AuthorScope, content: Content) -> Draft:
        """Keep a new draft."""
        now = self._clock()
        draft = Draft(str(uuid4()), content, FeedbackState.NONE, now, now)
        await self._collection.insert_one(
            {"_id": draft.draft_id, "author_id": scope.author_id, **_row(draft)}
        )
        return await self._teach(scope, draft)

    async def save(self, scope: AuthorScope, draft_id: str, title: str, text: str) -> Draft:
        """Replace title and text; what it was generated as stays.

        Raises:
            NotFound: the author has no such draft.
        """
        change = {"title": title, "text": text, "updated_at": self._clock()}
        row = await self._collection.find_one_and_update(
            _mine(scope, draft_id), {"$set": change}, return_document=ReturnDocument.AFTER
        )
        return await self._teach(scope, _draft(row, draft_id))

    async def one(self, scope: AuthorScope, draft_id: str) -> Draft:
        """A draft of the author.

        Raises:
            NotFound: the author has no such draft.
        """
        return _draft(await self._collection.find_one(_mine(scope, draft_id)), draft_id)

    async def page(self, scope: AuthorScope, offset: int, limit: int) -> tuple[list[Draft], int]:
        """The author's drafts, the one saved last first, and how many there are."""
        mine = {"author_id": scope.author_id}
        total = await self._collection.count_documents(mine)
        newest = self._collection.find(mine).sort([("updated_at", -1), ("_id", 1)]).skip(offset).limit(limit)
        return [_draft(row, row["_id"]) for row in await newest.to_list()], total

    async def delete(self, scope: AuthorScope, draft_id: str) -> None:
        """Forget a draft; what was learnt from it stays learnt.

        Raises:
            NotFound: the author has no such draft.
        """
        if not (await self._collection.delete_one(_mine(scope, draft_id))).deleted_count:
            raise _unknown(draft_id)

    async def _teach(self, scope: AuthorScope, draft: Draft) -> Draft:
        """Publish what the owner made of a generated text; a draft's newest edit replaces the one before."""
        generated, text = draft.content.generated, draft.content.text
        if generated is None or text.strip() == generated.text.strip() or not text.strip():
            return draft
        event = FeedbackGiven(
            feedback_id=str(uuid5(NAMESPACE_URL, f"draft|{draft.draft_id}")),
            author_id=scope.author_id,
            completion_id=generated.completion_id,
            model=generated.model,
            prompt=generated.prompt,
            answer=generated.text,
            edit=text,
        )
        state = FeedbackState.GIVEN
        try:
            await self._feedback.give(event)
        except ServerUnavailable as error:
            log.warning("an edit is kept but not published", draft_id=draft.draft_id, error=str(error)[:200])
            state = FeedbackState.WAITING
        mine = _mine(scope, draft.draft_id)
        await self._collection.update_one(mine, {"$set": {"feedback": state.value}})
        return replace(draft, feedback=state)


def _mine(scope: AuthorScope, draft_id: str) -> dict[str, str]:
    return {"_id": draft_id, "author_id": scope.author_id}


def _unknown(draft_id: str) -> NotFound:
    return NotFound(f"there is no draft {draft_id[:100]}")


_drafts = TypeAdapter(Draft)


def _row(draft: Draft) -> dict[str, Any]:
    content = draft.content
    return {
        "preset": content.preset,
        "title": content.title,
        "text": content.text,
        "generated": vars(content.generated) if content.generated else None,
        "feedback": draft.feedback.value,
        "created_at": draft.created_at,
        "updated_at": draft.updated_at,
    }


def _draft(row: dict[str, Any] | None, draft_id: str) -> Draft:
    if row is None:
        raise _unknown(draft_id)
    return _drafts.validate_python({**row, "draft_id": row["_id"], "content": row})
