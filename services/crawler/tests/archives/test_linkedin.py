"""LinkedIn's data export: posts, articles, other languages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_crawler.archive import BadEntry, Entry, LeftOut, Owner, UnusableArchive, choose_format
from twin_crawler.archive_files import open_archive
from twin_crawler.testing.exports import LINKEDIN_COLUMNS, linkedin_article, linkedin_row, table, write_zip

ADA = AuthorId("ada")
POST = 7448081445065035776
CONNECTIONS = table(
    "First Name,Last Name,URL,Connected On", ("Bob", "B", "https://www.linkedin.com/in/b", "x")
)
COMMENTS = table(
    "Date,Link,Message",
    ("2024-01-01 00:00:00", "https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A1", "Nice, Bob!"),
)


def read(root: Path, **members: str) -> list[Entry]:
    named = {name.replace("__", "/"): body for name, body in members.items()}
    files = open_archive(
        write_zip(root / "l.zip", {"Connections.csv": CONNECTIONS, "Comments.csv": COMMENTS} | named)
    )
    return list(choose_format("linkedin", files).read(files, Owner(ADA)))


class TestShares:
    @pytest.mark.parametrize("name", ["Shares.csv", "Shares_155814142.csv", "Basic__Shares.csv"])
    def test_every_field_arrives(self, tmp_path: Path, name: str) -> None:
        row = linkedin_row(POST, 'One "quoted" line\nand another', "https://example.org/a")
        (draft,) = read(tmp_path, **{name: table(LINKEDIN_COLUMNS, row)})
        assert isinstance(draft, DocumentDraft)
        assert draft.text == 'One "quoted" line\nand another'
        assert draft.canonical_url == f"https://www.linkedin.com/feed/update/urn:li:share:{POST}"
        assert draft.published_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        assert (draft.category, draft.platform) == (Category.POST, "linkedin")
        assert draft.metadata == {"shared_url": "https://example.org/a"}

    def test_shares_without_own_words_are_left_out(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            **{
                "Shares.csv": table(
                    LINKEDIN_COLUMNS, linkedin_row(1, "", "https://e.org"), linkedin_row(2, " ")
                )
            },
        )
        assert entries == [LeftOut("share without words of its own")] * 2

    def test_bad_rows_are_named(self, tmp_path: Path) -> None:
        body = table(
            LINKEDIN_COLUMNS,
            linkedin_row(POST, "undated", date="soon"),
            ("2024-05-06 07:08:09", "no link", "text", "", "", "PUBLIC"),
            ("too", "short"),
            ("soon", "https://www.linkedin.com/posts/ada_x", "no id and no date", "", "", "PUBLIC"),
        )
        entries = read(tmp_path, **{"Shares.csv": body})
        assert [type(entry) for entry in entries] == [DocumentDraft, BadEntry, BadEntry, BadEntry]
        undated = entries[0]
        assert isinstance(undated, DocumentDraft)
        assert undated.published_at is not None  # out of the post's id
        assert undated.published_at.year == 2026

    def test_comments_and_connections_are_nobodys_posts(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableArchive):
            read(tmp_path)


class TestOtherLanguages:
    def test_columns_are_known_by_what_stands_in_them(self, tmp_path: Path) -> None:
        body = table(
            "Datum,Link zum Beitrag,Kommentar,Geteilte URL,Medien-URL,Sichtbarkeit",
            ("06.05.2024 07:08", *linkedin_row(POST, "Ein Gedanke\nüber Tee")[1:]),
            ("07.05.2024 09:10", *linkedin_row(POST + 1, "Noch einer", "https://example.org/b")[1:]),
            ("kein Datum", "kein Link", "Text ohne Adresse", "", "", "PUBLIC"),
        )
        first, second, third = read(tmp_path, **{"Beitraege.csv": body})
        assert isinstance(first, DocumentDraft)
        assert (first.text, first.published_at) == (
            "Ein Gedanke\nüber Tee",
            datetime(2024, 5, 6, 7, 8, tzinfo=UTC),
        )
        assert isinstance(second, DocumentDraft)
        assert second.metadata == {"shared_url": "https://example.org/b"}
        assert isinstance(third, BadEntry)
        assert third.place == "Beitraege.csv, row 3"


class TestArticles:
    @pytest.mark.parametrize("folder", ["Articles__", "Articles__Articles__", "Complete__Articles__"])
    def test_every_field_arrives(self, tmp_path: Path, folder: str) -> None:
        page = linkedin_article("On tea", "<p>First.</p><p></p><h2>Leaves</h2><p>Second, <em>green</em>.</p>")
        (draft,) = read(tmp_path, **{folder + "2017-05-29 15:40:00.0-on-tea.html": page})
        assert isinstance(draft, DocumentDraft)
        assert (draft.title, draft.category) == ("On tea", Category.ARTICLE)
        assert draft.text == "First.\n\n## Leaves\n\nSecond, *green*."
        assert draft.canonical_url == "https://www.linkedin.com/pulse/on-tea-ada-stone"
        assert draft.published_at == datetime(2017, 5, 29, 15, 40, tzinfo=UTC)

    def test_drafts_are_left_out_and_other_pages_named(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            **{
                "Articles__a.html": linkedin_article("Draft", "<p>x</p>", published=""),
                "Articles__b.html": "<html><body><p>nothing</p></body></html>",
                "Articles__c.html": linkedin_article("Tea", "<p>x</p>").replace("/pulse/", "/in/"),
            },
        )
        assert [type(entry) for entry in entries] == [LeftOut, BadEntry, BadEntry]
