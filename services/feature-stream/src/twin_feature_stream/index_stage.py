"""The second stage: vectors, then the index; while one group is written the next is encoded."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from twin_common.events import Message
from twin_feature_stream import metrics
from twin_feature_stream.background_loop import BackgroundLoop
from twin_feature_stream.deduplication import Deduplication
from twin_feature_stream.embedding_stage import EmbeddingStage
from twin_feature_stream.index_writer import IndexWriter
from twin_feature_stream.work import Removal, Repetition, Replacement, Work

_CHUNKS_A_GROUP = 128
"""Large enough for the encoder's batches, small enough that a first load becomes searchable bit by bit."""


class IndexStage:
    """Returns only when everything it was given is in the index, so that the epoch may close."""

    def __init__(
        self,
        deduplication: Deduplication,
        embedding: EmbeddingStage,
        writer: IndexWriter,
        loop: BackgroundLoop,
    ) -> None:
        self._deduplication = deduplication
        self._embedding = embedding
        self._writer = writer
        self._loop = loop

    def index(self, work: Sequence[Work]) -> list[Message]:
        """Carry out removals, then replacements, and return all that is to be published."""
        messages = [entry for entry in work if isinstance(entry, Message)]
        repetitions = [entry for entry in work if isinstance(entry, Repetition)]
        removals = [entry for entry in work if isinstance(entry, Removal)]
        messages += [entry.announcement for entry in repetitions]
        if removals:
            with metrics.STAGE_SECONDS.labels("remove").time():
                messages.extend(self._loop.run(self._writer.remove(removals)))
        replacements = self._deduplication.decide([entry for entry in work if isinstance(entry, Replacement)])
        under_way: Future[list[Message]] | None = None
        for group in _groups(replacements):
            with metrics.STAGE_SECONDS.labels("embed").time():
                embedded = self._embedding.embed(group)
            messages += self._finish(under_way)
            under_way = self._loop.submit(self._writer.replace(embedded))
        messages += self._finish(under_way)
        return messages + self._deduplication.consequences(
            replacements,
            [entry.document_id for entry in removals],
            [entry.document_id for entry in repetitions],
        )

    def _finish(self, write: Future[list[Message]] | None) -> list[Message]:
        """Wait for a write; the time counted is only what encoding did not hide."""
        if write is None:
            return []
        with metrics.STAGE_SECONDS.labels("index").time():
            return self._loop.result(write)


def _groups(replacements: Sequence[Replacement]) -> Iterator[list[Replacement]]:
    group: list[Replacement] = []
    size = 0
    for entry in replacements:
        group.append(entry)
        size += len(entry.chunks)
        if size >= _CHUNKS_A_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group
