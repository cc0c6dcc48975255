"""Lines of JSON, good and bad."""

from datetime import UTC, datetime
from io import BytesIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_crawler.archive import BadEntry
from twin_crawler.archives import jsonl
from twin_crawler.archives.jsonl import read

ADA = AuthorId("ada")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("url", "link", "title", "text", "published_at", "category", "language", "platform", "author")


def read_lines(*lines: bytes) -> list[DocumentDraft | BadEntry]:
    return list(read(BytesIO(b"\n".join(lines)), ADA))


def number_of(entry: BadEntry) -> int:
    return int(entry.place.removeprefix("line "))


def line(**fields: object) -> bytes:
    return orjson.dumps({"url": "https://a.example.org/x", "text": "A text."} | fields)


class TestGoodLines:
    def test_every_field_arrives(self) -> None:
        (draft,) = read_lines(
            line(
                title="T",
                published_at="2024-03-05T10:00:00+02:00",
                category="post",
                language="en",
                author="Ada",
            )
        )
        assert isinstance(draft, DocumentDraft)
        assert (draft.title, draft.text, draft.category) == ("T", "A text.", Category.POST)
        assert draft.published_at == datetime(2024, 3, 5, 8, tzinfo=UTC)
        assert (draft.language, draft.author_name, draft.canonical_url) == (
            "en",
            "Ada",
            "https://a.example.org/x",
        )

    def test_field_names_of_a_scraped_data_set(self) -> None:
        record = {
            "document_id": "34978aea",
            "author": "Ada Stone",
            "platform": "medium",
            "link": "https://medium.example.org/a/b?utm_source=x",
            "title": "T",
            "subtitle": "S",
            "language": None,
            "text": "Words",
        }
        (draft,) = read_lines(orjson.dumps(record))
        assert isinstance(draft, DocumentDraft)
        assert draft.canonical_url == "https://medium.example.org/a/b"
        assert (draft.platform, draft.metadata, draft.language) == ("medium", {"subtitle": "S"}, None)

    def test_empty_text_is_a_document(self) -> None:
        (draft,) = read_lines(line(text=""))
        assert isinstance(draft, DocumentDraft)
        assert draft.text == ""

    def test_byte_order_mark_blank_lines_and_windows_line_ends(self) -> None:
        entries = read_lines(
            b"\xef\xbb\xbf" + line() + b"\r", b"", b"  \r", line(url="https://a.example.org/y")
        )
        assert [type(entry) for entry in entries] == [DocumentDraft, DocumentDraft]


class TestBadLines:
    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (b"{not json", "no JSON"),
            (b"[1, 2]", "no JSON object"),
            (b'"text"', "no JSON object"),
            (b'{"url": "https://a.example.org/\xff", "text": "t"}', "no JSON"),
            (b'{"url": "https://a.example.org/x", "text": "\\ud800"}', "no JSON"),
            (orjson.dumps({"text": "t"}), "no url"),
            (line(url="/relative"), "no absolute"),
            (line(url="mailto:ada@example.org"), "no absolute"),
            (line(url=["https://a.example.org"]), "url is no text"),
            (line(text=None), "no text"),
            (line(text=3), "text is no text"),
            (line(title={}), "title is no text"),
            (line(category="poem"), "category"),
            (line(published_at="yesterday"), "no date"),
            (line(published_at=20240101), "published_at is no text"),
        ],
    )
    def test_bad_line_is_named_by_number_and_the_rest_goes_in(self, bad: bytes, reason: str) -> None:
        good = line()
        first, second, third = read_lines(good, bad, good)
        assert isinstance(first, DocumentDraft)
        assert isinstance(third, DocumentDraft)
        assert isinstance(second, BadEntry)
        assert second.place == "line 2"
        assert reason in second.reason

    def test_huge_line_is_skipped_without_losing_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 1000)
        entries = read_lines(line(), line(text="x" * 5000), b"{", line())
        numbers = [number_of(entry) for entry in entries if isinstance(entry, BadEntry)]
        assert numbers == [2, 3]
        assert len(entries) == 4

    @given(st.lists(st.binary(max_size=60), max_size=6))
    def test_any_bytes_are_read_to_the_end(self, lines: list[bytes]) -> None:
        entries = read_lines(*lines, b"", line())
        assert isinstance(entries[-1], DocumentDraft)
        numbers = [number_of(entry) for entry in entries if isinstance(entry, BadEntry)]
        assert numbers == sorted(set(numbers))

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)))
    def test_any_json_values_give_a_document_or_a_reason(self, record: dict[str, object]) -> None:
        try:
            encoded = orjson.dumps(record)
        except TypeError:  # a surrogate or an integer of more than 64 bits cannot be written as JSON here
            return
        for entry in read_lines(encoded):
            assert isinstance(entry, (DocumentDraft, BadEntry))
            if isinstance(entry, DocumentDraft):
                assert entry.hash_content()
