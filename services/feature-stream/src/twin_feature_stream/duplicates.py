"""Which of several near copies is searchable. Nothing here does I/O.

Copies are ordered: the earliest published leads, then the longest, then the lowest id. Going through them
in this order, a document becomes a duplicate of the first near copy that is searchable itself, and is
searchable where there is none. So the outcome depends on the documents alone, and not on when they arrived.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from twin_common.documents import Category, DocumentHead, HeadStatus
from twin_feature_stream.signature import Signature, bands, from_text, sign, similarity, to_text

NEAR = 0.7
"""The least similarity of two copies; `bench/duplicates.py` measures what it finds and what it mistakes."""


@dataclass(frozen=True)
class Copy:
    """What is compared of a document, and how the index stands to it."""

    document_id: str
    author_id: str
    category: Category
    version: int
    url: str
    rank: tuple[float, int, str]
    signature: Signature | None
    bands: frozenset[str]
    searchable: bool
    duplicate_of: str | None = None
    copies: tuple[str, ...] = ()

    @classmethod
    def of(cls, head: DocumentHead) -> "Copy":
        """As its head says."""
        published = head.published_at.timestamp() if head.published_at else inf
        return cls(
            document_id=head.document_id,
            author_id=head.author_id,
            category=head.category,
            version=head.version,
            url=head.url,
            rank=(published, -head.text_length, head.document_id),
            signature=from_text(head.signature) if head.signature else None,
            bands=frozenset(head.bands),
            searchable=head.status is HeadStatus.SEARCHABLE,
            duplicate_of=head.duplicate_of,
            copies=head.copies,
        )

    def is_near(self, other: "Copy") -> bool:
        """Whether both say nearly the same; prose is compared with prose, code with code."""
        return (
            self.author_id == other.author_id
            and (self.category is Category.CODE) == (other.category is Category.CODE)
            and not self.bands.isdisjoint(other.bands)  # settles nearly all pairs, cheaply
            and self.signature is not None
            and other.signature is not None
            and similarity(self.signature, other.signature) >= NEAR
        )


def signed(head: DocumentHead) -> DocumentHead:
    """The head of a text that is to be searchable, with all that copies of it are found by."""
    signature = sign(head.text)
    update: dict[str, object] = {"text_length": len(head.text), "addresses": (head.url,)}
    if signature is not None:
        kind = "code" if head.category is Category.CODE else "prose"
        scope = f"{head.author_id}|{kind}"
        update |= {"signature": to_text(signature), "bands": bands(signature, scope)}
    return head.model_copy(update=update)


def assign(own: Collection[Copy], known: Mapping[str, Copy]) -> dict[str, Copy]:
    """Decide about `own`, given all other near copies as the index has them.

    Returns:
        Own documents by id, with `duplicate_of` and `copies` as they are to be.
    """
    decided: dict[str, Copy] = {}
    others = [copy for key, copy in known.items() if key not in {entry.document_id for entry in own}]
    leaders = [copy for copy in others if copy.searchable]
    for copy in sorted(own, key=lambda entry: entry.rank):
        leader = _leader(copy, leaders)
        if leader:
            decided[copy.document_id] = replace(copy, searchable=False, duplicate_of=leader.document_id)
        else:
            decided[copy.document_id] = copy
            leaders.append(copy)
    everyone = [*others, *decided.values()]
    return {
        key: replace(copy, copies=_copies_of(key, everyone)) if copy.searchable else copy
        for key, copy in decided.items()
    }


def unsettled(touched: Collection[str], known: Mapping[str, Copy]) -> list[Copy]:
    """The documents about which must be decided anew, now that something happened to those of `touched`.

    Args:
        touched: ids of documents that were written, removed, or found as they were.
        known: every near copy of theirs, every duplicate and every leader of theirs, themselves included.
    """
    leaders = [copy for copy in known.values() if copy.searchable]
    found: list[Copy] = []
    for copy in known.values():
        if copy.document_id in touched:
            wrong = _is_wrong(copy, leaders, known)
        else:
            wrong = _is_wrong_now(copy, touched, known)
        if wrong:
            found.append(copy)
    return found


def _is_wrong(copy: Copy, leaders: Sequence[Copy], known: Mapping[str, Copy]) -> bool:
    """Whether a document of which all near copies are known is not as the order wants it."""
    if not copy.searchable and copy.duplicate_of is None:  # skipped or failed for what it is
        return False
    leader = _leader(copy, leaders)
    if (leader.document_id if leader else None) != copy.duplicate_of:
        return True
    return copy.searchable and copy.copies != _copies_of(copy.document_id, known.values())


def _is_wrong_now(copy: Copy, touched: Collection[str], known: Mapping[str, Copy]) -> bool:
    """Whether what happened to `touched` changes something for another document."""
    leader = known.get(copy.duplicate_of or "")
    if copy.duplicate_of in touched and not (leader and _leads(leader, copy)):
        return True
    for key in touched:
        other = known.get(key)
        if copy.searchable and (key in copy.copies) != (
            other is not None and other.duplicate_of == copy.document_id
        ):
            return True
        if other is None or not _leads(other, copy):
            continue
        if copy.searchable or (copy.duplicate_of and (leader is None or other.rank < leader.rank)):
            return True
    return False


def _leader(copy: Copy, leaders: Sequence[Copy]) -> Copy | None:
    before = [leader for leader in leaders if _leads(leader, copy)]
    return min(before, key=lambda leader: leader.rank, default=None)


def _leads(leader: Copy, copy: Copy) -> bool:
    return leader.searchable and leader.rank < copy.rank and leader.is_near(copy)


def _copies_of(leader: str, everyone: Collection[Copy]) -> tuple[str, ...]:
    own = [copy for copy in everyone if copy.duplicate_of == leader]
    return tuple(copy.document_id for copy in sorted(own, key=lambda copy: copy.rank))
