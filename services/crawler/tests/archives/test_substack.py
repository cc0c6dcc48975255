"""Substack's export: posts, podcasts, threads, drafts, and where the publication lives."""

from datetime import UTC, datetime
from pathlib import Path

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_crawler.archive import BadEntry, Entry, LeftOut, Owner, all_formats
from twin_crawler.archive_files import open_archive
from twin_crawler.testing.exports import SUBSTACK_BUTTON, SUBSTACK_COLUMNS, substack_row, table, write_zip

ADA = AuthorId("ada")


def read(root: Path, *rows: tuple[str, ...], site: str | None = None, **pages: str) -> list[Entry]:
    members = {"posts.csv": table(SUBSTACK_COLUMNS, *rows)}
    members |= {f"posts/{name}.html": body for name, body in pages.items()}
    files = open_archive(write_zip(root / "s.zip", members))
    return list(all_formats()["substack"].read(files, Owner(ADA, site)))


class TestPosts:
    def test_every_field_arrives_without_buttons(self, tmp_path: Path) -> None:
        row = substack_row("12.on-tea", "On tea", audience="only_paid")
        page = f"<h2>Leaves</h2><p>Green and black.</p>{SUBSTACK_BUTTON}<p>The end.</p>"
        (draft,) = read(tmp_path, row, **{"12.on-tea": page})
        assert isinstance(draft, DocumentDraft)
        assert draft.text == "## Leaves\n\nGreen and black.\n\nThe end."
        assert (draft.title, draft.category, draft.platform) == ("On tea", Category.ARTICLE, "substack")
        assert draft.canonical_url == "https://ada.substack.com/p/on-tea"
        assert draft.published_at == datetime(2024, 3, 1, 8, tzinfo=UTC)
        assert draft.metadata == {"subtitle": "Below", "audience": "only_paid", "kind": "newsletter"}

    def test_a_custom_domain_comes_from_the_owner(self, tmp_path: Path) -> None:
        for site in ("https://ada.example.org/archive", "ada.example.org"):
            (draft,) = read(tmp_path, substack_row("12.on-tea"), site=site, **{"12.on-tea": "<p>Words.</p>"})
            assert isinstance(draft, DocumentDraft)
            assert draft.canonical_url == "https://ada.example.org/p/on-tea"

    def test_without_any_address_the_owner_is_asked_for_one(self, tmp_path: Path) -> None:
        (bad,) = read(tmp_path, substack_row("12.on-tea"), **{"12.on-tea": "<p>Words.</p>"})
        assert isinstance(bad, BadEntry)
        assert "--site" in bad.reason

    def test_drafts_and_podcasts_without_text_are_left_out(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            substack_row("1.a", published="false"),
            substack_row("2.b", type="podcast", podcast_url="https://api.substack.com/b.mp3"),
            substack_row("3.c", type="podcast", podcast_url="https://api.substack.com/c.mp3"),
            substack_row("4.d", type="thread"),
            site="ada.substack.com",
            **{"1.a": "<p>Draft</p>", "3.c": "<p>Show notes</p>", "4.d": "<p>Ask me</p>"},
        )
        assert entries[:2] == [LeftOut("draft"), LeftOut("podcast without a text")]
        notes, thread = entries[2:]
        assert isinstance(notes, DocumentDraft)
        assert (notes.text, notes.metadata["podcast_url"]) == ("Show notes", "https://api.substack.com/c.mp3")
        assert isinstance(thread, DocumentDraft)
        assert thread.category is Category.POST

    def test_bad_rows_and_lonely_pages_are_named(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            substack_row("1.missing"),
            substack_row("2.undated", post_date="soon"),
            ("3.short", "true"),
            substack_row("4.good"),
            site="ada.substack.com",
            **{"2.undated": "<p>x</p>", "4.good": "<p>Good.</p>", "9.lonely": "<p>x</p>"},
        )
        bad = [entry for entry in entries if isinstance(entry, BadEntry)]
        assert [entry.place for entry in bad] == [
            "posts.csv, row 1",
            "posts.csv, row 2",
            "posts.csv, row 3",
            "posts/9.lonely.html",
        ]
        assert sum(isinstance(entry, DocumentDraft) for entry in entries) == 1
