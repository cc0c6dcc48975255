"""What owners think of answers: the collection `feedback`, from which preference pairs are made."""

from collections.abc import Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from twin_common.events import FeedbackGiven, Rating
from twin_common.identity import AuthorId


class FeedbackRecords:
    """The collection `feedback`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._collection = database["feedback"]

    async def create_indexes(self) -> None:
        await self._collection.create_index("author_id")

    async def put(self, feedback: FeedbackGiven) -> None:
        """Keep it; once more changes nothing."""
        row = feedback.model_dump(mode="python")
        await self._collection.replace_one({"_id": feedback.feedback_id}, row, upsert=True)

    async def all(self, author_id: AuthorId) -> list[FeedbackGiven]:
        """Everything an author gave, oldest first."""
        rows = await self._collection.find({"author_id": author_id}).to_list()
        return sorted(map(FeedbackGiven.model_validate, rows), key=lambda feedback: feedback.given_at)

    async def on(self, author_id: AuthorId, completion_ids: Sequence[str]) -> dict[str, FeedbackGiven]:
        """The newest that an author gave on each of these answers, by the answer's id."""
        query = {"author_id": author_id, "completion_id": {"$in": list(completion_ids)}}
        rows = await self._collection.find(query).to_list()
        given = sorted(map(FeedbackGiven.model_validate, rows), key=lambda feedback: feedback.given_at)
        return {feedback.completion_id: feedback for feedback in given}

    async def rated(self, author_id: AuthorId, rating: Rating) -> list[str]:
        """The answers that an author ever gave this rating."""
        query = {"author_id": author_id, "rating": rating.value}
        return [row["completion_id"] async for row in self._collection.find(query, {"completion_id": 1})]

    async def delete(self, feedback_id: str) -> None:
        """Forget one."""
        await self._collection.delete_one({"_id": feedback_id})
