"""Medium's export: articles, responses, drafts."""

from datetime import UTC, datetime
from pathlib import Path

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_crawler.archive import BadEntry, Entry, LeftOut, Owner, all_formats
from twin_crawler.archive_files import open_archive
from twin_crawler.testing.exports import medium_headline, medium_post, write_zip

ADA = AuthorId("ada")
BODY = (
    medium_headline("On tea")
    + '<h4 class="graf graf--h4 graf--subtitle">A subtitle</h4>'
    + '<p class="graf graf--p">First <strong class="markup--strong">bold</strong> words, a '
    + '<a href="https://example.org/x" data-href="https://example.org/x" class="markup--anchor">link</a>.</p>'
    + '<figure class="graf graf--figure"><img class="graf-image" src="https://cdn-images-1.medium.com/1.png">'
    + '<figcaption class="imageCaption">A kettle</figcaption></figure>'
    + '<h3 class="graf graf--h3">Steps</h3><ul class="postList"><li class="graf graf--li">Boil</li>'
    + '<li class="graf graf--li">Pour</li></ul><blockquote class="graf graf--blockquote">Said so</blockquote>'
    + '<pre data-code-block-lang="python" class="graf graf--pre graf--preV2"><span class="pre--content">'
    + "def pour():<br />    return 1</span></pre>"
)


def read(root: Path, **pages: str) -> list[Entry]:
    members = {f"posts/{name}.html": body for name, body in pages.items()}
    return list(all_formats()["medium"].read(open_archive(write_zip(root / "m.zip", members)), Owner(ADA)))


class TestArticles:
    def test_every_field_arrives_and_the_title_stands_once(self, tmp_path: Path) -> None:
        (draft,) = read(tmp_path, a=medium_post("On tea", BODY, "on-tea-1a2b3c4d5e6f"))
        assert isinstance(draft, DocumentDraft)
        assert (draft.title, draft.category, draft.platform) == ("On tea", Category.ARTICLE, "medium")
        assert draft.canonical_url == "https://medium.com/@ada/on-tea-1a2b3c4d5e6f"
        assert draft.published_at == datetime(2021, 3, 4, 5, 6, 7, 8000, tzinfo=UTC)
        assert (draft.author_name, draft.metadata) == ("Ada Stone", {"subtitle": "A subtitle"})
        assert draft.text == (
            "First **bold** words, a [link](https://example.org/x).\n\nA kettle\n\n### Steps"
            "\n\n- Boil\n- Pour\n\n> Said so\n\n```python\ndef pour():\n    return 1\n```"
        )

    def test_a_response_is_a_post_without_a_title(self, tmp_path: Path) -> None:
        words = "I think that you are right about tea, and about coffee as well, which few people say."
        (draft,) = read(tmp_path, a=medium_post(words[:50] + "…", f'<p class="graf graf--p">{words}</p>'))
        assert isinstance(draft, DocumentDraft)
        assert (draft.category, draft.title, draft.text) == (Category.POST, "", words)
        assert draft.metadata["kind"] == "response"

    def test_drafts_are_left_out(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path, **{"draft_tea": medium_post("Tea", BODY), "b": medium_post("B", BODY, published=None)}
        )
        assert entries == [LeftOut("draft"), LeftOut("draft")]

    def test_pages_of_another_layout_are_named(self, tmp_path: Path) -> None:
        no_link = medium_post("A", BODY).replace("p-canonical", "p-other")
        entries = read(tmp_path, a="<html><body>Bookmarks</body></html>", b=no_link, c="")
        assert [type(entry) for entry in entries] == [BadEntry] * 3
        assert "no address" in repr(entries[1])
