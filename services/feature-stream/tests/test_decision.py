from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.clock import utc_now
from twin_common.dead_letter import SourceRecord
from twin_common.documents import Category, HeadStatus, HeadSummary
from twin_common.errors import PoisonMessage
from twin_common.events import CrawlRequested, DocumentDeleted, DocumentUpserted, Event, encode, tombstone
from twin_feature_stream.decision import decide, read
from twin_feature_stream.work import Change, Received

KEY = str(uuid4())


def received(event: Event, **changes: Any) -> Received:
    message = encode(event, "test")
    fields = {"key": message.key, "value": message.value, "headers": message.headers} | changes
    return Received(SourceRecord(topic="t", partition=0, offset=0, **fields), utc_now())


def change(event: DocumentUpserted | DocumentDeleted) -> Change:
    return Change(received(event), event, None)


def upsert(version: int) -> Change:
    return change(DocumentUpserted(document_id=KEY, category=Category.POST, version=version))


def delete(version: int | None = None) -> Change:
    return change(DocumentDeleted(document_id=KEY, version=version))


def head(version: int, status: HeadStatus = HeadStatus.SEARCHABLE) -> HeadSummary:
    return HeadSummary(
        document_id=KEY,
        author_id="a",
        version=version,
        content_hash="h",
        category=Category.POST,
        url="https://e.example/",
        title="t",
        status=status,
    )


class TestDecide:
    def test_only_the_last_upsert_counts(self) -> None:
        changes = [upsert(1), upsert(2)]
        decision = decide(changes, None)
        assert decision.index is changes[1]
        assert decision.remove is None

    def test_what_is_known_is_only_said_again(self) -> None:
        decision = decide([upsert(3)], head(3))
        assert (decision.index, decision.remove) == (None, None)
        assert decision.repeated is not None

    def test_what_is_older_does_nothing(self) -> None:
        decision = decide([upsert(2)], head(3))
        assert (decision.index, decision.remove, decision.repeated) == (None, None, None)

    def test_a_failed_version_is_tried_again(self) -> None:
        assert decide([upsert(3)], head(3, HeadStatus.FAILED)).index is not None
        assert decide([upsert(2)], head(3, HeadStatus.FAILED)).index is None

    def test_a_deletion_makes_way_for_the_same_version(self) -> None:
        changes = [delete(3), upsert(3)]
        decision = decide(changes, head(3))
        assert (decision.remove, decision.index) == (changes[0], changes[1])

    def test_a_deletion_after_an_upsert_wins(self) -> None:
        decision = decide([upsert(4), delete()], head(3))
        assert decision.remove is not None
        assert decision.index is None

    def test_a_deletion_of_something_older_is_ignored(self) -> None:
        assert decide([delete(2)], head(3)).remove is None

    @given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=8), st.integers(0, 5), st.data())
    def test_how_the_changes_are_batched_does_not_matter(
        self, steps: list[tuple[bool, int]], known: int, data: st.DataObject
    ) -> None:
        changes = [delete(version) if gone else upsert(version) for gone, version in steps]
        cut = data.draw(st.integers(0, len(changes)))
        start = head(known) if known else None
        assert self._after(self._after(start, changes[:cut]), changes[cut:]) == self._after(start, changes)

    def _after(self, before: HeadSummary | None, changes: Sequence[Change]) -> HeadSummary | None:
        decision = decide(changes, before)
        if decision.index and isinstance(decision.index.event, DocumentUpserted):
            return head(decision.index.event.version)
        return None if decision.remove else before


class TestRead:
    def test_a_change(self) -> None:
        event = DocumentDeleted(document_id=KEY)
        found = read(received(event))
        assert found is not None
        assert found.event == event

    def test_a_tombstone_is_nothing(self) -> None:
        message = tombstone(DocumentDeleted(document_id=KEY))
        assert read(received(DocumentDeleted(document_id=KEY), value=message.value, headers=[])) is None

    @pytest.mark.parametrize(
        ("event", "changes", "reason"),
        [
            (DocumentDeleted(document_id=KEY), {"value": b"{"}, "malformed_event"),
            (DocumentDeleted(document_id=KEY), {"headers": []}, "no_cloudevent"),
            (DocumentDeleted(document_id="7"), {}, "malformed_event"),
            (CrawlRequested(author_id="a"), {}, "unsupported_schema"),
        ],
    )
    def test_anything_else_is_poison(self, event: Event, changes: dict[str, Any], reason: str) -> None:
        with pytest.raises(PoisonMessage) as caught:
            read(received(event, **changes))
        assert caught.value.reason == reason
