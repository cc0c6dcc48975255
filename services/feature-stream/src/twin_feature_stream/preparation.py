"""From records of Kafka to documents that are cleaned and cut into chunks."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from pydantic import ValidationError

from twin_common.clock import Clock, utc_now
from twin_common.documents import (
    Category,
    Chunk,
    DocumentHead,
    HeadStatus,
    HeadSummary,
    RawDocument,
    StageTimes,
    hash_of_chunks,
    text_hash,
)
from twin_common.errors import PoisonMessage, ServerUnavailable
from twin_common.events import DocumentDeleted, DocumentUpserted, Message
from twin_feature_stream import metrics
from twin_feature_stream.announcing import announce_again
from twin_feature_stream.chunking import ChunkingPolicy, CountTokens, Passage, chunk_texts
from twin_feature_stream.cleaning import clean, clean_line
from twin_feature_stream.decision import Decision, decide, read
from twin_feature_stream.readiness import Stopping
from twin_feature_stream.work import Change, Received, Removal, Repetition, Replacement, Work

log = structlog.get_logger(__name__)

ReadDocuments = Callable[[Sequence[tuple[str, Category]]], dict[str, RawDocument]]
"""The warehouse's documents of these ids and categories; those that are gone are left out."""
ReadHeads = Callable[[Sequence[str]], dict[str, HeadSummary]]
"""What the index knows of these documents."""


class Preparation:
    """The first stage: decides what each micro-batch changes, reads what it needs, cleans and chunks it."""

    def __init__(
        self,
        *,
        read_heads: ReadHeads,
        read_documents: ReadDocuments,
        count_tokens: CountTokens,
        chunking: ChunkingPolicy,
        max_text_bytes: int,
        clock: Clock = utc_now,
    ) -> None:
        self._read_heads = read_heads
        self._read_documents = read_documents
        self._count_tokens = count_tokens
        self._chunking = chunking
        self._max_text_bytes = max_text_bytes
        self._clock = clock

    def prepare(self, batch: Sequence[Received]) -> list[Work]:
        """What the index must do about these records: of the events of one document the last counts."""
        with metrics.STAGE_SECONDS.labels("prepare").time():
            return self._prepare(batch)

    def _prepare(self, batch: Sequence[Received]) -> list[Work]:
        changes, letters = _read_all(batch)
        heads = self._read_heads(list(changes)) if changes else {}
        decisions = {key: decide(own, heads.get(key)) for key, own in changes.items()}
        documents, unreadable = self._load(decisions)
        work: list[Work] = [*letters, *unreadable]
        wanted: list[tuple[Change, RawDocument]] = []
        for key, decision in decisions.items():
            head, document = heads.get(key), documents.get(key)
            if decision.repeated and head:
                work.append(Repetition(key, announce_again(decision.repeated, head)))
            if decision.remove:
                work.append(_removal(decision.remove, head, announced=document is None))
                head = None
            if decision.index and document and _is_news(decision.index, document, head):
                traceparent = decision.index.traceparent or document.traceparent
                wanted.append((replace(decision.index, traceparent=traceparent), document))
        work += self._cut(wanted)
        return work

    def _load(self, decisions: dict[str, Decision]) -> tuple[dict[str, RawDocument], list[Message]]:
        """Inline documents, and those of claim checks in one query; what cannot be read is a dead letter."""
        documents: dict[str, RawDocument] = {}
        claims: dict[str, tuple[Change, Category]] = {}
        for key, decision in decisions.items():
            if decision.index and isinstance(event := decision.index.event, DocumentUpserted):
                if event.document:
                    documents[key] = event.document
                else:
                    claims[key] = (decision.index, event.category)
        if not claims:
            return documents, []
        letters: list[Message] = []
        wanted = [(key, category) for key, (_, category) in claims.items()]
        try:
            documents |= self._read_documents(wanted)
        except ValidationError:  # one of them: find out which
            for key, category in wanted:
                try:
                    documents |= self._read_documents([(key, category)])
                except ValidationError as error:
                    problem = PoisonMessage(
                        "malformed_document", f"the warehouse's row {key} is no document: {error}"
                    )
                    letters.append(_letter(claims[key][0].received, problem))
        return documents, letters

    def _cut(self, wanted: Sequence[tuple[Change, RawDocument]]) -> list[Replacement]:
        """Clean and chunk all of them; one that fails harms no other."""
        results: list[Replacement] = []
        cleaned: list[tuple[Change, RawDocument, str, StageTimes]] = []
        for change, document in wanted:
            stages = StageTimes(
                stored_at=document.stored_at,
                captured_at=change.event.captured_at,
                received_at=change.received.received_at,
            )
            try:
                text, reason = self._clean(document)
            except Exception as error:
                results.append(_failed(change, document, stages, "cleaning_failed", error))
                continue
            stages = stages.model_copy(update={"cleaned_at": self._clock()})
            if reason:
                results.append(Replacement(change, _head(document, "", stages, HeadStatus.SKIPPED, reason)))
            else:
                cleaned.append((change, document, text, stages))
        texts = [(document.category, text) for _, document, text, _ in cleaned]
        for (change, document, text, stages), passages in zip(cleaned, self._chunk(texts), strict=True):
            if isinstance(passages, Exception):
                results.append(_failed(change, document, stages, "chunking_failed", passages))
            else:
                done = stages.model_copy(update={"chunked_at": self._clock()})
                results.append(_replacement(change, document, text, passages, done))
        return results

    def _clean(self, document: RawDocument) -> tuple[str, str | None]:
        """The cleaned text, or why there is nothing to index."""
        if not document.text.strip():
            return "", "the text is empty"
        size = len(document.text.encode(errors="replace"))
        if size > self._max_text_bytes:
            return "", f"the text has {size:,} bytes, more than the {self._max_text_bytes:,} that are indexed"
        text = clean(document.text, document.category)
        return text, None if text.strip() else "nothing is left of the text after cleaning"

    def _chunk(self, texts: Sequence[tuple[Category, str]]) -> "Sequence[tuple[Passage, ...] | Exception]":
        try:
            return chunk_texts(texts, self._count_tokens, self._chunking)
        except (Stopping, ServerUnavailable):
            raise
        except Exception as error:
            if len(texts) <= 1:
                return [error] * len(texts)
            log.warning("chunking a micro-batch failed; trying its documents one by one", error=repr(error))
            return [result for text in texts for result in self._chunk([text])]


def _read_all(batch: Sequence[Received]) -> tuple[dict[str, list[Change]], list[Message]]:
    """The changes by document, in their order, and the dead letters of what is no change."""
    changes: dict[str, list[Change]] = defaultdict(list)
    letters: list[Message] = []
    for received in batch:
        try:
            change = read(received)
        except PoisonMessage as error:
            letters.append(_letter(received, error))
        else:
            if change:
                changes[change.event.document_id].append(change)
    return changes, letters


def _letter(received: Received, error: PoisonMessage) -> Message:
    record = received.record
    log.error(
        "dead letter",
        reason=error.reason,
        error=str(error)[:300],
        partition=record.partition,
        offset=record.offset,
    )
    metrics.DEAD_LETTERS.labels(error.reason).inc()
    return received.dead_letter(error)


def _is_news(change: Change, document: RawDocument, head: HeadSummary | None) -> bool:
    """A claim check may read another version than its event told of: the rule holds for what was read."""
    if head is None or document.version > head.version:
        return True
    known_again = head.status is HeadStatus.FAILED or change.again
    return known_again and document.version == head.version


def _removal(change: Change, head: HeadSummary | None, *, announced: bool) -> Removal:
    event = change.event
    version = event.version if isinstance(event, DocumentDeleted) else None
    return Removal(change, event.document_id, version, head.author_id if head else None, announced)


def _head(
    document: RawDocument, text: str, stages: StageTimes, status: HeadStatus, reason: str | None = None
) -> DocumentHead:
    return DocumentHead(
        document_id=document.document_id,
        author_id=document.author_id,
        version=document.version,
        content_hash=document.content_hash,
        category=document.category,
        platform=document.platform,
        url=document.url,
        title=clean_line(document.title),
        language=document.language,
        published_at=document.published_at,
        text=text,
        authorship=document.authorship,
        partial=document.partial,
        metadata=document.metadata,
        status=status,
        reason=reason,
        stages=stages,
    )


def _failed(
    change: Change, document: RawDocument, stages: StageTimes, reason: str, error: Exception
) -> Replacement:
    problem = PoisonMessage(reason, f"document {document.document_id} ({document.url[:200]}): {error!r}")
    head = _head(document, "", stages, HeadStatus.FAILED, str(problem)[:1000])
    return Replacement(change, head, error=problem)


def _replacement(
    change: Change, document: RawDocument, text: str, passages: Sequence[Passage], stages: StageTimes
) -> Replacement:
    hashes = [text_hash(passage.text) for passage in passages]
    head = _head(document, text, stages, HeadStatus.SEARCHABLE)
    head = head.model_copy(update={"chunk_count": len(passages), "chunks_hash": hash_of_chunks(hashes)})
    chunks = tuple(
        Chunk(
            document_id=head.document_id,
            author_id=head.author_id,
            version=head.version,
            chunk_index=index,
            category=head.category,
            platform=head.platform,
            url=head.url,
            title=head.title,
            language=head.language,
            published_at=head.published_at,
            heading_path=passage.heading_path,
            start=passage.start,
            text=passage.text,
            text_hash=hash_of_text,
            token_count=passage.token_count,
        )
        for index, (passage, hash_of_text) in enumerate(zip(passages, hashes, strict=True))
    )
    return Replacement(change, head, chunks)
