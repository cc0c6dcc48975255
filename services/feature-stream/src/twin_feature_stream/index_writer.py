"""Writes documents into the index in the one order that a crash at any point cannot spoil."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from twin_common.clock import Clock, utc_now
from twin_common.events import Message
from twin_feature_stream import metrics
from twin_feature_stream.announcing import announce, announce_removal
from twin_feature_stream.index import Index
from twin_feature_stream.patience import Patience, is_refusal
from twin_feature_stream.work import Embedded, Removal

log = structlog.get_logger(__name__)

_SERVER = "the vector store"


class IndexWriter:
    """Every step bears repetition, and a head is written last: only then is a version known."""

    def __init__(self, index: Index, patience: Patience, clock: Clock = utc_now) -> None:
        self._index = index
        self._patience = patience
        self._clock = clock

    async def remove(self, removals: Sequence[Removal]) -> list[Message]:
        """Delete heads and chunks; the messages say so."""
        versions = {removal.document_id: removal.version for removal in removals}
        await self._persist(lambda: self._index.remove(versions))
        return [announce_removal(removal) for removal in removals if removal.announced]

    async def replace(self, documents: Sequence[Embedded]) -> list[Message]:
        """Chunks of this version, then away with all others, then the heads.

        A document that the vector store refuses is marked as failed and harms no other.

        Returns:
            What became of each document, and the dead letters of those that failed.
        """
        try:
            return await self._write(documents)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(documents) == 1:
                return await self._write_failure(documents[0], error)
            log.warning(
                "the vector store refused several documents; trying them one by one", error=str(error)
            )
        return [message for document in documents for message in await self.replace([document])]

    async def _write(self, documents: Sequence[Embedded]) -> list[Message]:
        await self._persist(lambda: self._index.put_chunks(documents))
        await self._persist(lambda: self._index.remove_outdated(documents))
        searchable_at = self._clock()
        heads = []
        for document in documents:
            head = document.replacement.head
            if document.replacement.chunks:
                stages = head.stages.model_copy(update={"searchable_at": searchable_at})
                head = head.model_copy(update={"stages": stages})
            heads.append(head)
        await self._persist(lambda: self._index.put_heads(heads))
        messages = [
            announce(document.replacement, head) for document, head in zip(documents, heads, strict=True)
        ]
        return messages + [letter for document in documents for letter in _letters(document)]

    async def _write_failure(self, document: Embedded, error: Exception) -> list[Message]:
        """The head says why; where even the head is refused, the dead letter alone does."""
        failed = Embedded.failed(document.replacement, "refused_by_index", error)
        try:
            return await self._write([failed])
        except Exception as second:
            if not is_refusal(second):
                raise
            log.exception(
                "the vector store refuses even the head", document_id=failed.replacement.head.document_id
            )
            return _letters(failed)

    async def _persist(self, operation: Callable[[], Awaitable[None]]) -> None:
        await self._patience.wait_for(_SERVER, operation)


def _letters(document: Embedded) -> list[Message]:
    replacement = document.replacement
    if replacement.error is None:
        return []
    log.error(
        "document failed",
        document_id=replacement.head.document_id,
        reason=replacement.error.reason,
        error=str(replacement.error)[:300],
    )
    metrics.DEAD_LETTERS.labels(replacement.error.reason).inc()
    return [replacement.change.received.dead_letter(replacement.error)]
