"""Chunks to vectors, many documents in one call of the encoder."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from twin_common.clock import Clock, utc_now
from twin_common.embedding import Embedder, SparseEmbedder
from twin_common.embedding.words import pack_words
from twin_common.errors import ServerUnavailable
from twin_feature_stream import metrics
from twin_feature_stream.readiness import Stopping, StopSignal
from twin_feature_stream.work import ChunkVectors, Embedded, Replacement

log = structlog.get_logger(__name__)

ReadVectors = Callable[[Sequence[str]], Mapping[str, ChunkVectors]]
"""The vectors that the index holds for chunks of these documents, by the hash of their text."""

_TEXTS_BETWEEN_STOPS = 32


class EmbeddingStage:
    """Encodes each text once, and none whose vector the index already has."""

    def __init__(
        self,
        dense: Embedder,
        sparse: SparseEmbedder,
        read_vectors: ReadVectors,
        stop: StopSignal,
        clock: Clock = utc_now,
    ) -> None:
        self._dense = dense
        self._sparse = sparse
        self._read_vectors = read_vectors
        self._stop = stop
        self._clock = clock

    def embed(self, replacements: Sequence[Replacement]) -> list[Embedded]:
        """Vectors for all chunks; a document that the encoder fails on is marked and harms no other.

        Raises:
            Stopping: the service was told to stop before all were encoded.
        """
        with_chunks = [entry.head.document_id for entry in replacements if entry.chunks]
        known = self._read_vectors(with_chunks) if with_chunks else {}
        return self._embed(replacements, known)

    def _embed(
        self, replacements: Sequence[Replacement], known: Mapping[str, ChunkVectors]
    ) -> list[Embedded]:
        chunks = [chunk for entry in replacements for chunk in entry.chunks]
        fresh = {chunk.text_hash: chunk for chunk in chunks if chunk.text_hash not in known}
        # Longest first over all of them: each slice then holds texts of similar length.
        ordered = sorted(fresh.values(), key=lambda chunk: -chunk.token_count)
        vectors = dict(known)
        try:
            for start in range(0, len(ordered), _TEXTS_BETWEEN_STOPS):
                self._stop.check()
                part = ordered[start : start + _TEXTS_BETWEEN_STOPS]
                dense, words = self._dense.embed_with_words([chunk.text for chunk in part])
                for chunk, row, own in zip(part, dense, words, strict=True):
                    vectors[chunk.text_hash] = ChunkVectors(row, pack_words(own))
            sparse = self._sparse.embed_documents([chunk.text for chunk in chunks])
        except (Stopping, ServerUnavailable):
            raise
        except Exception as error:
            if len(replacements) == 1:
                return [Embedded.failed(replacements[0], "embedding_failed", error)]
            log.warning("encoding several documents failed; trying them one by one", error=repr(error))
            return [result for entry in replacements for result in self._embed([entry], known)]
        metrics.TOKENS.inc(sum(chunk.token_count for chunk in ordered))
        metrics.CHUNKS.labels("encoded").inc(len(ordered))
        metrics.CHUNKS.labels("reused").inc(len(chunks) - len(ordered))
        embedded_at = self._clock()
        results: list[Embedded] = []
        taken = 0
        for entry in replacements:
            weights = sparse[taken : taken + len(entry.chunks)]
            taken += len(entry.chunks)
            stages = entry.head.stages.model_copy(update={"embedded_at": embedded_at})
            stamped = Replacement(
                entry.change,
                entry.head.model_copy(update={"stages": stages}) if entry.chunks else entry.head,
                entry.chunks,
                entry.error,
            )
            results.append(Embedded(stamped, [vectors[chunk.text_hash] for chunk in entry.chunks], weights))
        return results
