"""Keeping what owners think of answers, and telling the platform."""

from twin_common.errors import ServerUnavailable
from twin_common.events import FeedbackGiven
from twin_common.warehouse import FeedbackRecords
from twin_rag_api.metrics import FEEDBACK
from twin_rag_api.publishing import EventPublisher


class Feedback:
    """Feedback is in the warehouse and on the event bus, or it was refused."""

    def __init__(self, records: FeedbackRecords, publisher: EventPublisher) -> None:
        self._records = records
        self._publisher = publisher

    async def give(self, feedback: FeedbackGiven) -> None:
        """Keep it and publish it.

        Raises:
            ServerUnavailable: Kafka does not answer; nothing was kept, so it may be given again.
        """
        await self._records.put(feedback)
        try:
            await self._publisher.publish(feedback, feedback.feedback_id)
        except ServerUnavailable:
            await self._records.delete(feedback.feedback_id)
            raise
        FEEDBACK.labels(feedback.rating or "edit").inc()
