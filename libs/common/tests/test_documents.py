"""Documents: content hashes, timestamps, states, and what survives JSON and BSON."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from twin_common.authors import Author
from twin_common.documents import (
    Authorship,
    Category,
    DocumentDraft,
    DocumentHead,
    DocumentState,
    HeadStatus,
    HeadSummary,
    RawDocument,
    StageTimes,
    document_state,
    normalise_text,
)
from twin_common.errors import InvalidUrl
from twin_common.identity import AuthorId

_AUTHOR = AuthorId("ada")
_URL = "https://example.com/a"

_moments = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 — hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]),
)
_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
_raw_documents = st.builds(
    RawDocument,
    author_id=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True),
    url=_words,
    canonical_url=_words,
    category=st.sampled_from(Category),
    platform=_words,
    title=_words,
    text=_words,
    language=st.none() | _words,
    author_name=st.none() | _words,
    published_at=st.none() | _moments,
    metadata=st.dictionaries(_words, _words, max_size=3),
    content_hash=_words,
    version=st.integers(1, 2**31),
    stored_at=_moments,
    traceparent=st.none() | _words,
)


def _draft(**changes: Any) -> DocumentDraft:
    fields = {"category": Category.ARTICLE, "title": "On engines", "text": "# One\n\nA wheel turns."}
    return DocumentDraft.at(_AUTHOR, _URL, **(fields | changes))


def _head(version: int, status: HeadStatus) -> HeadSummary:
    return HeadSummary(
        document_id=_draft().document_id,
        author_id=_AUTHOR,
        version=version,
        content_hash="h",
        category=Category.ARTICLE,
        url=_URL,
        title="",
        status=status,
    )


class TestDraft:
    def test_knows_its_canonical_address_and_keeps_the_one_a_reader_follows(self) -> None:
        draft = DocumentDraft.at(_AUTHOR, "http://Example.com/a/?utm_source=x", category="article", text="t")
        assert (draft.url, draft.canonical_url) == ("http://Example.com/a/?utm_source=x", _URL)

    def test_two_addresses_of_one_page_are_one_document(self) -> None:
        other = DocumentDraft.at(_AUTHOR, "http://example.com/a/#part", category="article", text="t")
        assert other.document_id == _draft().document_id

    def test_refuses_what_is_no_address(self) -> None:
        with pytest.raises(InvalidUrl):
            DocumentDraft.at(_AUTHOR, "example.com", category="article", text="t")

    def test_refuses_an_author_id_that_is_no_slug_as_any_wrong_field(self) -> None:
        with pytest.raises(ValidationError, match="author_id"):
            Author(author_id=AuthorId("Ada Lovelace"), name="Ada")

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(ValidationError):
            _draft().text = "other"  # type: ignore[misc]


class TestContentHash:
    @pytest.mark.parametrize(
        "change",
        [
            {"metadata": {"commit": "abc"}},
            {"text": "# One\r\n\r\nA wheel turns."},
            {"text": "# One\r\rA wheel turns."},
            {"text": "\n\n# One  \n\t\nA wheel turns.\n\n"},
            {"title": " On engines\n"},
        ],
        ids=str,
    )
    def test_is_equal_where_nothing_was_said_anew(self, change: dict[str, Any]) -> None:
        assert _draft(**change).hash_content() == _draft().hash_content()

    def test_ignores_the_address(self) -> None:
        other = DocumentDraft.at(
            _AUTHOR, "https://other.example/b", **_draft().model_dump(include={"category", "title", "text"})
        )
        assert other.hash_content() == _draft().hash_content()

    @pytest.mark.parametrize(
        "change",
        [
            {"text": "# One\n\nA wheel turned."},
            {"text": "# One\nA wheel turns."},
            {"text": "# One\n\n    A wheel turns."},
            {"title": "On looms"},
            {"category": Category.POST},
            {"platform": "medium"},
            {"language": "en"},
            {"author_name": "Ada"},
            {"published_at": datetime(2024, 5, 1, tzinfo=UTC)},
            {"authorship": Authorship.UNCLEAR},
            {"partial": True},
        ],
        ids=str,
    )
    def test_differs_where_content_differs(self, change: dict[str, Any]) -> None:
        assert _draft(**change).hash_content() != _draft().hash_content()

    def test_composed_and_decomposed_letters_are_the_same(self) -> None:
        assert _draft(text="caf\u00e9").hash_content() == _draft(text="cafe\u0301").hash_content()

    def test_the_same_moment_in_two_zones_is_the_same(self) -> None:
        here, there = "2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00Z"
        assert _draft(published_at=here).hash_content() == _draft(published_at=there).hash_content()

    def test_is_that_of_documents_from_before_authorship_was_recorded(self) -> None:
        before = "7b3eceb8ece0e59c582d41bc1ec0a79729728703972fc3ae4bdd168274d62e62"
        assert _draft().hash_content() == before

    @given(_words, _words)
    def test_equal_hashes_mean_equal_normalised_text(self, one: str, other: str) -> None:
        same = _draft(text=one).hash_content() == _draft(text=other).hash_content()
        assert same == (normalise_text(one) == normalise_text(other))

    @given(_raw_documents)
    def test_a_stored_document_hashes_like_its_draft(self, document: RawDocument) -> None:
        draft = DocumentDraft.model_validate(document.model_dump())
        assert draft.hash_content() == document.hash_content()


class TestNormaliseText:
    @given(st.text())
    def test_applying_it_twice_changes_nothing(self, text: str) -> None:
        once = normalise_text(text)
        assert normalise_text(once) == once and "\r" not in once and once == once.strip()

    def test_keeps_indentation_and_blank_lines(self) -> None:
        assert normalise_text("a\n\n    code \n\n\nb") == "a\n\n    code\n\n\nb"


class TestTimestamp:
    @pytest.mark.parametrize(
        ("given_value", "moment"),
        [
            ("2024-05-01T10:00:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
            ("2024-05-01T12:00:00+02:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
            ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
            ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
            ("20240501", datetime(2024, 5, 1, tzinfo=UTC)),
            (date(2024, 5, 1), datetime(2024, 5, 1, tzinfo=UTC)),
            (datetime(2024, 5, 1, 10), datetime(2024, 5, 1, 10, tzinfo=UTC)),  # noqa: DTZ001 — as BSON gives it
            (datetime(2024, 5, 1, 10, 0, 0, 123_999, UTC), datetime(2024, 5, 1, 10, 0, 0, 123_000, UTC)),
        ],
        ids=str,
    )
    def test_becomes_utc_in_whole_milliseconds(self, given_value: object, moment: datetime) -> None:
        published = _draft(published_at=given_value).published_at
        assert published == moment and published.tzinfo is UTC

    @pytest.mark.parametrize(
        "text", ["yesterday", "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]
    )
    def test_what_is_no_moment_is_a_wrong_field(self, text: str) -> None:
        with pytest.raises(ValidationError, match="published_at"):
            _draft(published_at=text)

    @given(_moments)
    def test_is_always_aware_and_close(self, moment: datetime) -> None:
        published = _draft(published_at=moment).published_at
        assert published is not None and published.utcoffset() == timedelta(0)
        assert timedelta(0) <= moment - published < timedelta(milliseconds=1)


class TestRoundTrip:
    @given(_raw_documents)
    def test_through_json(self, document: RawDocument) -> None:
        assert RawDocument.model_validate_json(document.model_dump_json()) == document

    @given(_raw_documents)
    def test_through_bson(self, document: RawDocument) -> None:
        aware: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
        for options in (aware, CodecOptions(tz_aware=False)):
            row = bson.decode(
                bson.encode(document.model_dump() | {"category": str(document.category)}), options
            )
            assert RawDocument.model_validate(row) == document

    def test_a_newer_writers_fields_are_ignored(self) -> None:
        assert DocumentDraft.model_validate(_draft().model_dump() | {"mood": "calm"}) == _draft()

    def test_a_head_survives_the_index_payload(self) -> None:
        head = DocumentHead(
            **_head(2, HeadStatus.SEARCHABLE).model_dump(exclude={"stages"}),
            platform="web",
            language=None,
            published_at=None,
            text="t",
            stages=StageTimes(stored_at=datetime(2024, 5, 1, tzinfo=UTC)),
        )
        payload = head.model_dump(mode="json")
        assert DocumentHead.model_validate(payload) == head
        assert HeadSummary.model_validate(payload).stages == head.stages


class TestState:
    @given(st.integers(1, 100), st.integers(1, 100), st.sampled_from(HeadStatus))
    def test_is_pending_until_the_head_reaches_the_version(
        self, version: int, head_version: int, status: HeadStatus
    ) -> None:
        state = document_state(version, _head(head_version, status))
        assert (state is DocumentState.PENDING) == (head_version < version)
        if head_version >= version:
            assert state.value == status.value

    def test_is_pending_without_a_head(self) -> None:
        assert document_state(1, None) is DocumentState.PENDING
