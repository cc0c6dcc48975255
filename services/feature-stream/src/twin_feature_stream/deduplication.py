"""The stage that lets only one of several near copies be searched.

What it knows stands in the index. Only the worker that reads a document's events writes its head; of what
follows for other documents it publishes an event. After every write it looks at the index again: of two
workers that wrote at the same moment at least one then sees what the other did.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from twin_common.documents import DocumentHead, HeadStatus
from twin_common.events import DocumentUpserted, Message, encode
from twin_feature_stream import metrics
from twin_feature_stream.duplicates import Copy, assign, signed, unsettled
from twin_feature_stream.work import SERVICE, Replacement

ReadCopies = Callable[[Collection[str], Collection[str]], dict[str, DocumentHead]]
"""Heads that share one of these bands, and duplicates and leaders of these documents; without texts."""
ReadHeads = Callable[[Sequence[str]], dict[str, DocumentHead]]
"""The heads of these documents, without texts."""


class Deduplication:
    """Decides before the index is written, and says afterwards who must decide again."""

    def __init__(self, read_copies: ReadCopies, read_heads: ReadHeads) -> None:
        self._read_copies = read_copies
        self._read_heads = read_heads

    def decide(self, replacements: Sequence[Replacement]) -> list[Replacement]:
        """The same documents, signed, and without the chunks of those that are duplicates."""
        with metrics.STAGE_SECONDS.labels("deduplicate").time():
            marked = [
                replace(entry, head=signed(entry.head)) if entry.chunks else entry for entry in replacements
            ]
            heads = {entry.head.document_id: entry.head for entry in marked if entry.head.bands}
            if not heads:
                return marked
            known = self._known(heads.values(), heads.keys())
            decided = assign([Copy.of(head) for head in heads.values()], known)
            urls = {key: copy.url for key, copy in (known | decided).items()}
            return [
                _as_decided(entry, decided[entry.head.document_id], urls)
                if entry.head.document_id in decided
                else entry
                for entry in marked
            ]

    def consequences(
        self, written: Sequence[Replacement], removed: Sequence[str], repeated: Sequence[str]
    ) -> list[Message]:
        """Events for the documents that are not as they should be, now that these were handled.

        Args:
            repeated: documents whose events came again: a crash may have swallowed what followed from them.
        """
        with metrics.STAGE_SECONDS.labels("deduplicate").time():
            heads = [entry.head for entry in written]
            if repeated:
                heads += self._read_heads(repeated).values()
            touched = {*(head.document_id for head in heads), *removed, *repeated}
            if not touched:
                return []
            return [_again(copy) for copy in unsettled(touched, self._known(heads, touched))]

    def _known(self, heads: Collection[DocumentHead], touched: Collection[str]) -> dict[str, Copy]:
        bands = {band for head in heads for band in head.bands}
        return {key: Copy.of(head) for key, head in self._read_copies(bands, touched).items()}


def _as_decided(entry: Replacement, copy: Copy, urls: dict[str, str]) -> Replacement:
    if copy.duplicate_of is None:
        addresses = (entry.head.url, *(urls[key] for key in copy.copies))
        head = entry.head.model_copy(update={"copies": copy.copies, "addresses": addresses})
        return replace(entry, head=head)
    duplicate = entry.head.model_copy(
        update={
            "status": HeadStatus.SKIPPED,
            "reason": f"duplicate of {urls[copy.duplicate_of]}",
            "duplicate_of": copy.duplicate_of,
            "addresses": (),
            "chunk_count": 0,
            "chunks_hash": None,
            "text": "",
        }
    )
    return replace(entry, head=duplicate, chunks=())


def _again(copy: Copy) -> Message:
    event = DocumentUpserted(
        document_id=copy.document_id, category=copy.category, version=copy.version, again=True
    )
    return encode(event, SERVICE)
