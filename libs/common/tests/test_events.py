"""Events: there and back, and what becomes of everything that is none."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category, RawDocument, StageTimes
from twin_common.errors import PoisonMessage, UnsupportedSchema
from twin_common.events import (
    EVENTS,
    CrawlCounts,
    CrawlReported,
    CrawlRequested,
    DocumentDeleted,
    DocumentIndexed,
    DocumentUpserted,
    Event,
    IndexOutcome,
    LinkError,
    LinkOutcome,
    Message,
    RunStatus,
    decode,
    encode,
    tombstone,
)
from twin_common.topics import ALL_TOPICS

_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

_text = st.text(max_size=20)
_slugs = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)
_moments = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 — zone follows
_counts = st.integers(0, 10**12)
_versions = st.integers(1, 2**40)
_documents = st.builds(
    RawDocument,
    author_id=_slugs,
    url=_text,
    canonical_url=_text,
    category=st.sampled_from(Category),
    platform=_text,
    title=_text,
    text=_text,
    language=st.none() | _text,
    published_at=st.none() | _moments,
    metadata=st.dictionaries(_text, _text, max_size=2),
    content_hash=_text,
    version=_versions,
    stored_at=_moments,
    traceparent=st.none() | _text,
)
_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(CrawlRequested, author_id=_slugs, links=st.lists(_text).map(tuple), requested_at=_moments),
    st.builds(
        CrawlReported,
        run_id=_text,
        author_id=_slugs,
        status=st.sampled_from(RunStatus),
        counts=st.builds(CrawlCounts, **dict.fromkeys(CrawlCounts.model_fields, _counts)),
        errors=st.lists(st.builds(LinkError, url=_text, reason=_text, detail=_text), max_size=2).map(tuple),
        started_at=_moments,
        reported_at=_moments,
    ),
    st.builds(
        DocumentUpserted,
        document_id=_text,
        category=st.sampled_from(Category),
        version=_versions,
        document=st.none() | _documents,
        captured_at=_moments,
    ),
    st.builds(DocumentDeleted, document_id=_text, version=st.none() | _versions, captured_at=_moments),
    st.builds(
        DocumentIndexed,
        document_id=_text,
        author_id=st.none() | _slugs,
        version=st.none() | _versions,
        outcome=st.sampled_from(IndexOutcome),
        reason=st.none() | _text,
        chunk_count=_counts,
        stages=st.builds(StageTimes, **dict.fromkeys(StageTimes.model_fields, st.none() | _moments)),
    ),
)
_deleted = DocumentDeleted(document_id="d", captured_at=datetime(2024, 5, 1, tzinfo=UTC))


def _decode(message: Message, *accepted: type[Event]) -> Event:
    assert message.value is not None
    return decode(message.value, message.headers, *(accepted or EVENTS)).event


def _headers(event_type: str = DocumentDeleted.TYPE, **changes: bytes) -> dict[str, Any]:
    required = {"ce_specversion": b"1.0", "ce_id": b"1", "ce_source": b"/twin/cdc"}
    return required | {"ce_type": event_type.encode()} | changes


class TestRoundTrip:
    @given(_events)
    def test_every_event_comes_back_as_it_was(self, event: Event) -> None:
        message = encode(event, "cdc")
        assert _decode(message) == event
        assert message.key == event.key.encode() and message.topic == event.TOPIC.name

    @given(_events, st.sampled_from([_TRACEPARENT, None]))
    def test_the_envelope_says_who_when_and_within_which_trace(
        self, event: Event, traceparent: str | None
    ) -> None:
        message = encode(event, "cdc", event_id="e-1", traceparent=traceparent)
        assert message.value is not None
        envelope = decode(message.value, dict(message.headers), *EVENTS)
        assert (envelope.event_id, envelope.source, envelope.traceparent) == ("e-1", "/twin/cdc", traceparent)
        assert envelope.time is not None and envelope.time.tzinfo is not None

    def test_headers_are_those_of_cloudevents_in_binary_mode(self) -> None:
        headers = dict(encode(_deleted, "cdc").headers)
        assert headers.keys() == {
            *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_dataschema", "ce_subject", "ce_time"),
            "content-type",
        }
        assert headers["ce_dataschema"] == b"urn:twin:event:twin.content.document.deleted.v1"
        assert headers["ce_specversion"] == b"1.0" and headers["content-type"] == b"application/json"

    def test_an_id_that_is_given_stays_and_others_are_new_each_time(self) -> None:
        given_ids = {dict(encode(_deleted, "cdc", event_id="d:7").headers)["ce_id"] for _ in range(3)}
        own_ids = {dict(encode(_deleted, "cdc").headers)["ce_id"] for _ in range(3)}
        assert given_ids == {b"d:7"} and len(own_ids) == 3

    def test_the_same_event_has_the_same_value(self) -> None:
        assert encode(_deleted, "cdc").value == encode(_deleted, "cdc").value

    def test_a_tombstone_has_the_key_of_its_deletion_and_nothing_else(self) -> None:
        deletion = encode(_deleted, "cdc")
        assert tombstone(_deleted) == Message(deletion.topic, deletion.key, None, [])


class TestCatalogue:
    def test_types_are_distinct_and_end_with_the_major_version_of_their_topic(self) -> None:
        assert len({event.TYPE for event in EVENTS}) == len(EVENTS)
        for event in EVENTS:
            assert event.TYPE.rsplit(".", 1)[1] == event.TOPIC.name.rsplit(".", 1)[1]
            assert event.TOPIC in ALL_TOPICS

    def test_counts_name_every_outcome_of_a_link(self) -> None:
        counts = CrawlCounts(**{outcome.value: 1 for outcome in LinkOutcome})
        assert counts.handled == len(LinkOutcome)


class TestUnknownSchema:
    @pytest.mark.parametrize(
        "event_type", ["twin.content.document.deleted.v2", "twin.content.document.moved.v1", "", "x"]
    )
    def test_another_type_or_major_version_is_unsupported(self, event_type: str) -> None:
        with pytest.raises(UnsupportedSchema, match=r"not among twin\.content\.document\.deleted\.v1"):
            decode(b"{}", _headers(event_type), DocumentDeleted)

    @pytest.mark.parametrize("specversion", [b"0.3", b"1.1", b"2.0", b"", None])
    def test_so_is_another_version_of_cloudevents(self, specversion: Any) -> None:
        with pytest.raises(UnsupportedSchema, match="CloudEvents"):
            decode(b'{"document_id":"d"}', _headers(ce_specversion=specversion), *EVENTS)

    @given(_events)
    def test_so_is_an_event_that_this_reader_does_not_accept(self, event: Event) -> None:
        others = [model for model in EVENTS if model is not type(event)]
        with pytest.raises(UnsupportedSchema):
            _decode(encode(event, "cdc"), *others)

    def test_is_a_poison_message_for_those_who_do_not_care_why(self) -> None:
        with pytest.raises(PoisonMessage):
            decode(b"{}", _headers("x"), *EVENTS)


class TestMalformed:
    @pytest.mark.parametrize(
        "value",
        [
            *(b"", b"{", b"null", b"[]", b'"text"', b"7", b"{}", b"\xff\xfe", b'{"document_id":null}'),
            *(b'{"document_id":"d","version":"seven"}', b'{"document_id":"d","captured_at":"yesterday"}'),
            *(b'{"document_id":"d","captured_at":"0001-01-01T00:00:00+14:00"}', b"[" * 100_000),
            b'{"document_id":"d","captured_at":1e400}',
        ],
        ids=lambda value: repr(value[:60]),
    )
    def test_a_value_of_another_shape_is_poison(self, value: bytes) -> None:
        with pytest.raises(PoisonMessage) as caught:
            decode(value, _headers(), *EVENTS)
        assert caught.value.reason == "malformed_event"
        assert DocumentDeleted.TYPE in str(caught.value)

    @pytest.mark.parametrize("author", ["Ada", "", "../etc", None, 7.5, ["ada"]])
    def test_an_author_id_that_is_no_slug_is_poison(self, author: object) -> None:
        value = orjson.dumps({"run_id": "r", "author_id": author})
        with pytest.raises(PoisonMessage, match="author_id"):
            decode(value, _headers(CrawlRequested.TYPE), *EVENTS)

    def test_the_error_names_the_field_and_never_shows_the_content(self) -> None:
        value = orjson.dumps({"document_id": "d", "category": "article", "version": 0, "text": "private"})
        with pytest.raises(PoisonMessage) as caught:
            decode(value, _headers(DocumentUpserted.TYPE), *EVENTS)
        assert "version" in str(caught.value) and "private" not in str(caught.value)

    @pytest.mark.parametrize("missing", ["ce_specversion", "ce_type", "ce_id", "ce_source"])
    def test_a_missing_header_is_poison_and_named(self, missing: str) -> None:
        headers = {name: value for name, value in _headers().items() if name != missing}
        with pytest.raises(PoisonMessage, match=missing) as caught:
            decode(b"{}", headers, *EVENTS)
        assert caught.value.reason == "no_cloudevent"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ce_type", b"\xff"),
            ("ce_id", b"\xff"),
            ("ce_time", b"noon"),
            ("traceparent", b"\xff"),
            ("ce_type", None),
        ],
    )
    def test_an_unreadable_header_is_poison(self, name: str, value: Any) -> None:
        with pytest.raises(PoisonMessage) as caught:
            decode(b'{"document_id":"d"}', _headers(**{name: value}), *EVENTS)
        assert caught.value.reason == "no_cloudevent"

    @given(st.binary(), st.dictionaries(st.sampled_from(sorted(_headers(ce_time=b""))), st.binary()))
    def test_no_bytes_raise_anything_else(self, value: bytes, headers: dict[str, bytes]) -> None:
        with pytest.raises(PoisonMessage):
            decode(value, headers, *EVENTS)

    @given(st.sampled_from(EVENTS), st.recursive(st.none() | st.booleans() | st.floats() | _text, st.lists))
    def test_no_json_raises_anything_else(self, event: type[Event], filler: object) -> None:
        value = orjson.dumps(dict.fromkeys(event.model_fields, filler))
        with pytest.raises(PoisonMessage):
            decode(value, _headers(event.TYPE), *EVENTS)


class TestEvolution:
    @given(_events)
    def test_a_newer_minors_additional_fields_are_ignored_at_every_depth(self, event: Event) -> None:
        message = encode(event, "cdc")
        newer = orjson.dumps(_with_news(event.model_dump(mode="json"), event))
        assert newer != message.value
        assert decode(newer, message.headers, *EVENTS).event == event

    @given(_events, st.data())
    def test_an_older_minors_message_lacks_optional_fields_and_still_decodes(
        self, event: Event, data: st.DataObject
    ) -> None:
        optional = [name for name, field in type(event).model_fields.items() if not field.is_required()]
        lacking = data.draw(st.sets(st.sampled_from(optional)))
        message = encode(event, "cdc")
        older = decode(orjson.dumps(event.model_dump(mode="json", exclude=lacking)), message.headers, *EVENTS)
        assert older.event.model_dump(exclude=lacking) == event.model_dump(exclude=lacking)


def _with_news(value: Any, model: Any) -> Any:
    """Add a field to every object that is a record; free mappings such as `metadata` hold what they hold."""
    if isinstance(value, dict) and hasattr(model, "model_fields"):
        news = {"a_newer_field": {"deep": [1]}}
        return news | {name: _with_news(part, getattr(model, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_news(part, original) for part, original in zip(value, model, strict=True)]
    return value
