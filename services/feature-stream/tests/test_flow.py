"""The whole flow: what the index holds after it ran."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from twin_common.dead_letter import reasons
from twin_common.documents import Category, HeadStatus, RawDocument
from twin_common.embedding.words import pack_words
from twin_common.errors import ServerUnavailable
from twin_common.events import IndexOutcome, Message
from twin_common.testing.embedding import HashingEmbedder
from twin_common.topics import DOCUMENT_CHANGES_DEAD
from twin_common.vector_index import CHUNKS, DOCUMENTS, WORDS
from twin_feature_stream.app import root_cause

from .conftest import announcements


class CountingEmbedder(HashingEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if any("POISON" in text for text in texts):
            raise ValueError("the encoder cannot read this")
        self.texts += texts
        return super().embed(texts)


class FailingClient:
    """A vector store that dies at its nth write, before or after it is applied."""

    WRITES = ("upsert", "delete")

    def __init__(self, client: Any, fail_at: int, *, applied: bool) -> None:
        self._client = client
        self._left = fail_at
        self._applied = applied

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        if name not in self.WRITES:
            return operation

        async def counted(*arguments: Any, **keywords: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._applied:
                raise RuntimeError("the power went out")
            result = await operation(*arguments, **keywords)
            if self._left == 0:
                raise RuntimeError("the power went out")
            return result

        return counted


class TestIndexing:
    async def test_documents_become_searchable(self, stream: Any) -> None:
        one = stream.document("one", stream.sentences(60))
        code = stream.document("code", "def f():\n    return 1", category=Category.CODE, language="python")
        japanese = stream.document("ja", "これは日本語の文書です。英語ではありません。", language="ja")
        stream.publish(*map(stream.upsert, (one, code, japanese)))
        outcomes = stream.outcomes(count=3)
        heads = await stream.heads()
        assert {head.status for head in heads.values()} == {HeadStatus.SEARCHABLE}
        assert {entry.document_id: entry.chunk_count for entry in outcomes} == {
            key: head.chunk_count for key, head in heads.items()
        }
        stages = heads[one.document_id].stages.model_dump()
        assert None not in stages.values()
        in_this_service = ["received_at", "cleaned_at", "chunked_at", "embedded_at", "searchable_at"]
        times = [stages[name] for name in in_this_service]
        assert times == sorted(times)
        payloads = [payload for payload, _ in (await stream.points()).values()]
        assert sum(payload["document_id"] == one.document_id for payload in payloads) > 2
        assert max(payload["token_count"] for payload in payloads) <= 256

    async def test_a_shrinking_document_leaves_nothing_behind(self, stream: Any) -> None:
        long, short = (stream.document("one", stream.sentences(n), version=v) for n, v in ((450, 1), (12, 2)))
        stream.publish(stream.upsert(long))
        assert stream.outcomes(count=1)[0].chunk_count >= 20
        stream.publish(stream.upsert(short))
        (outcome,) = stream.outcomes(count=1)
        payloads = [payload for payload, _ in (await stream.points()).values()]
        assert len(payloads) == outcome.chunk_count <= 3
        assert {payload["version"] for payload in payloads} == {2}

    async def test_unchanged_chunks_keep_their_vectors(self, stream: Any) -> None:
        stream.embedder = CountingEmbedder()
        text = stream.sentences(200)
        stream.publish(stream.upsert(stream.document("one", text)))
        stream.run(1)
        encoded = len(stream.embedder.texts)
        stream.publish(stream.upsert(stream.document("one", text + "\n\nOne line more.", version=2)))
        stream.run(1)
        assert encoded > 5
        assert len(stream.embedder.texts) <= encoded + 2

    async def test_each_chunk_has_its_own_words_also_when_they_are_kept(self, stream: Any) -> None:
        text = stream.sentences(40)
        for version, added in enumerate(("", "\n\nOne line more."), 1):
            stream.publish(stream.upsert(stream.document("one", text + added, version=version)))
            stream.run(1)
        payloads = [payload for payload, _ in (await stream.points()).values()]
        words = HashingEmbedder().embed_with_words([payload["text"] for payload in payloads]).words
        assert len(payloads) > 1
        assert [payload[WORDS] for payload in payloads] == [pack_words(own) for own in words]

    async def test_a_chunk_without_words_is_encoded_anew(self, stream: Any) -> None:
        text = stream.sentences(40)
        stream.publish(stream.upsert(stream.document("one", text)))
        stream.run(1)
        first = await stream.points()
        await stream.client.delete_payload(CHUNKS, [WORDS], points=list(first))
        stream.publish(stream.upsert(stream.document("one", text, version=2)))
        stream.run(1)
        assert all(payload[WORDS] for payload, _ in (await stream.points()).values())

    async def test_of_several_versions_only_the_last_is_encoded(self, stream: Any) -> None:
        stream.embedder = CountingEmbedder()
        texts = [f"Version {version}." for version in range(1, 5)]
        versions = [stream.document("one", text, version=v) for v, text in enumerate(texts, 1)]
        stream.publish(*map(stream.upsert, versions))
        stream.run(1)
        assert stream.embedder.texts == texts[-1:]

    async def test_a_known_version_is_not_encoded_again(self, stream: Any) -> None:
        stream.embedder = CountingEmbedder()
        change = stream.upsert(stream.document("one", "Some text."))
        stream.publish(change)
        stream.run(1)
        before = await stream.snapshot()
        stream.publish(change)
        (outcome,) = stream.outcomes(count=1)
        assert outcome.outcome is IndexOutcome.SEARCHABLE
        assert len(stream.embedder.texts) == 1
        assert await stream.snapshot() == before

    async def test_deletions(self, stream: Any) -> None:
        kept, gone = stream.document("kept"), stream.document("gone", version=3)
        stream.publish(*map(stream.upsert, (kept, gone)))
        stream.run(2)
        stream.publish(stream.delete(gone, version=2))  # of something older: nothing happens
        stream.publish(stream.delete(gone), stream.delete(stream.document("never there")))
        outcomes = stream.outcomes(count=2)
        assert {entry.outcome for entry in outcomes} == {IndexOutcome.DELETED}
        assert set(await stream.heads()) == {kept.document_id}
        assert {payload["document_id"] for payload, _ in (await stream.points()).values()} == {
            kept.document_id
        }


class TestRescaling:
    async def test_more_workers_and_fewer_go_on_where_the_others_stopped(self, stream: Any) -> None:
        stream.embedder = CountingEmbedder()
        for edition, workers in enumerate((1, 2, 4, 1), start=1):
            stream.workers = workers
            documents = [stream.document(str(n), f"Text {n}, {edition}.", version=edition) for n in range(40)]
            stream.publish(*map(stream.upsert, documents))
            outcomes = announcements(stream.run())
            # Nothing of the earlier runs is read again.
            assert [entry.version for entry in outcomes] == [edition] * 40
            assert {head.version for head in (await stream.heads()).values()} == {edition}
        assert len(stream.embedder.texts) == 4 * 40
        payloads = [payload for payload, _ in (await stream.points()).values()]
        assert sorted(payload["text"] for payload in payloads) == sorted(f"Text {n}, 4." for n in range(40))


class TestSkipping:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (" \n ", "the text is empty"),
            ("\u200b\x00\ufeff", "nothing is left of the text after cleaning"),
            ("word " * 30_000, "the text has 150,000 bytes, more than the 100,000 that are indexed"),
        ],
    )
    async def test_the_head_says_why(self, stream: Any, text: str, reason: str) -> None:
        stream.publish(stream.upsert(stream.document("one", text)))
        (outcome,) = stream.outcomes(count=1)
        (head,) = (await stream.heads()).values()
        assert (outcome.outcome, outcome.reason) == (IndexOutcome.SKIPPED, reason)
        assert (head.status, head.reason, head.chunk_count) == (HeadStatus.SKIPPED, reason, 0)
        assert not await stream.points()


class TestPoison:
    async def test_a_failing_document_harms_no_other(self, stream: Any) -> None:
        stream.embedder = CountingEmbedder()
        bad = stream.document("bad", "This is POISON.")
        good = [stream.document(f"good-{number}", f"Text {number}.") for number in range(5)]
        change = stream.upsert(bad)
        stream.publish(stream.upsert(good[0]), change, *map(stream.upsert, good[1:]))
        messages = stream.run(7)
        heads = await stream.heads()
        assert {heads[entry.document_id].status for entry in good} == {HeadStatus.SEARCHABLE}
        assert heads[bad.document_id].status is HeadStatus.FAILED
        assert "the encoder cannot read this" in (heads[bad.document_id].reason or "")
        (letter,) = [message for message in messages if message.topic == DOCUMENT_CHANGES_DEAD.name]
        assert letter.value == change.value
        assert reasons(letter.headers)["error_reason"] == "embedding_failed"

    async def test_a_redrive_of_a_failed_document_is_indexed(self, stream: Any) -> None:
        stream.embedder = CountingEmbedder()
        change = stream.upsert(stream.document("bad", "This is POISON."))
        stream.publish(change)
        (letter,) = [m for m in stream.run(2) if m.topic == DOCUMENT_CHANGES_DEAD.name]
        stream.publish(Message(change.topic, letter.key, letter.value, letter.headers))
        (again,) = [m for m in stream.run(2) if m.topic == DOCUMENT_CHANGES_DEAD.name]
        assert reasons(again.headers)["attempt"] == "2"
        stream.embedder = HashingEmbedder()
        stream.publish(Message(change.topic, letter.key, letter.value, letter.headers))
        (outcome,) = stream.outcomes(count=1)
        assert outcome.outcome is IndexOutcome.SEARCHABLE
        (head,) = (await stream.heads()).values()
        assert (head.status, head.reason) == (HeadStatus.SEARCHABLE, None)

    async def test_what_is_no_event_becomes_a_dead_letter(self, stream: Any) -> None:
        good = stream.upsert(stream.document("good"))
        garbage = Message(good.topic, good.key, b"\xff\x00{", good.headers)
        stream.publish(garbage, good)
        messages = stream.run(2)
        (letter,) = [message for message in messages if message.topic == DOCUMENT_CHANGES_DEAD.name]
        assert (letter.key, letter.value) == (good.key, b"\xff\x00{")
        assert len(await stream.heads()) == 1

    async def test_without_the_dead_letter_topic_the_offset_stays(self, stream: Any) -> None:
        good = stream.upsert(stream.document("good"))
        stream.publish(Message(good.topic, good.key, b"{", good.headers))
        with pytest.raises(Exception, match="error writing output batch") as caught:
            stream.run(1, publisher_error=ServerUnavailable("Kafka is away"))
        assert isinstance(root_cause(caught.value), ServerUnavailable)
        (letter,) = stream.run(1)
        assert letter.topic == DOCUMENT_CHANGES_DEAD.name


class TestCrashes:
    async def _changes(self, stream: Any) -> list[Message]:
        """A first load, then an edit that shrinks, one that grows, a deletion and a new document."""
        first = [self._document(stream, number, 40 * number) for number in range(1, 5)]
        stream.publish(*map(stream.upsert, first))
        stream.run()
        return [
            stream.upsert(self._document(stream, 4, 30, version=2)),
            stream.upsert(self._document(stream, 1, 90, version=2)),
            stream.delete(first[2]),
            stream.upsert(self._document(stream, 5, 50)),
        ]

    def _document(self, stream: Any, number: int, sentences: int, version: int = 1) -> RawDocument:
        text = stream.sentences(sentences, f"word{number}")
        return stream.document(f"d{number}", text, version)  # type: ignore[no-any-return]

    @pytest.mark.parametrize("applied", [False, True])
    @pytest.mark.parametrize("fail_at", range(1, 6))
    async def test_after_a_crash_at_any_write_the_result_is_the_same(
        self, stream: Any, fail_at: int, applied: bool
    ) -> None:
        changes = await self._changes(stream)
        stream.publish(*changes)
        with pytest.raises(Exception, match="mapper") as caught:
            stream.run(client=FailingClient(stream.client, fail_at, applied=applied))
        assert "the power went out" in str(root_cause(caught.value))
        stream.run()
        after_crash = await stream.snapshot()
        await self._start_over(stream)
        stream.run()
        assert await stream.snapshot() == after_crash

    async def test_a_replay_of_the_whole_topic_changes_nothing(self, stream: Any, tmp_path: Any) -> None:
        stream.publish(*await self._changes(stream))
        stream.run()
        before = await stream.snapshot()
        stream.recovery_dir = tmp_path / "another"
        stream.run()
        assert await stream.snapshot() == before

    async def _start_over(self, stream: Any) -> None:
        """An empty index and no memory: the topic alone decides."""
        for name in (CHUNKS, DOCUMENTS):
            points, _ = await stream.client.scroll(name, limit=10_000)
            await stream.client.delete(name, [point.id for point in points])
        stream.recovery_dir = stream.recovery_dir.with_name("fresh")
