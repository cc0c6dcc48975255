"""Which documents may be learnt from, and what of their text is the owner's own words. No I/O."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from twin_common.documents import Authorship, Category, DocumentHead, HeadStatus
from twin_feature_stream.datasets.redaction import redact

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_BOILERPLATE_DOCUMENTS = 3
"""A paragraph that stands in so many documents is a signature or an advertisement."""


@dataclass(frozen=True)
class Selection:
    """The documents, redacted and without boilerplate, and what was left out."""

    documents: tuple[DocumentHead, ...]
    dropped: Counter[str]
    """Documents by reason."""
    redacted: Counter[str]
    """Finds by kind."""
    boilerplate: int
    """Paragraphs that were left out."""


def select(heads: Iterable[DocumentHead]) -> Selection:
    """Only whole texts of the owner's own, each once, in an order that is the same in every build."""
    dropped: Counter[str] = Counter()
    redacted: Counter[str] = Counter()
    kept: list[DocumentHead] = []
    for head in sorted(heads, key=lambda head: head.document_id):
        reason = _rejection(head)
        if reason:
            dropped[reason] += 1
            continue
        text, found = redact(head.text)
        title, found_in_title = redact(head.title)
        redacted += found + found_in_title
        kept.append(head.model_copy(update={"text": text, "title": title}))
    documents, boilerplate = _without_boilerplate(kept)
    return Selection(tuple(documents), dropped, redacted, boilerplate)


def _rejection(head: DocumentHead) -> str | None:
    if head.authorship is not Authorship.OWNER:
        return f"authorship_{head.authorship.value}"
    if head.partial:
        return "partial"
    if head.duplicate_of is not None:
        return "duplicate_document"
    if head.status is not HeadStatus.SEARCHABLE:
        return head.status.value
    return None if head.text.strip() else "empty"


def _without_boilerplate(documents: Sequence[DocumentHead]) -> tuple[list[DocumentHead], int]:
    seen: Counter[str] = Counter()
    for document in documents:
        if document.category is not Category.CODE:
            seen.update({_key(paragraph) for paragraph, fenced in _paragraphs(document.text) if not fenced})
    repeated = {key for key, count in seen.items() if count >= _BOILERPLATE_DOCUMENTS}
    removed = 0
    cleaned: list[DocumentHead] = []
    for document in documents:
        if document.category is Category.CODE:
            cleaned.append(document)
            continue
        paragraphs = list(_paragraphs(document.text))
        kept = [text for text, fenced in paragraphs if fenced or not _is_boilerplate(text, repeated)]
        removed += len(paragraphs) - len(kept)
        cleaned.append(document.model_copy(update={"text": "\n\n".join(kept)}))
    return cleaned, removed


def _is_boilerplate(paragraph: str, repeated: set[str]) -> bool:
    """Headings stay: Introduction or Summary heads sections that differ."""
    return not paragraph.lstrip().startswith("#") and _key(paragraph) in repeated


def _paragraphs(text: str) -> Iterator[tuple[str, bool]]:
    """What blank lines separate, and whether a code fence is open in it."""
    fenced = False
    for paragraph in _PARAGRAPH_END.split(text):
        marks = len(_FENCE.findall(paragraph))
        yield paragraph, fenced or marks > 0
        fenced ^= marks % 2 == 1


def _key(paragraph: str) -> str:
    return " ".join(paragraph.casefold().split())
