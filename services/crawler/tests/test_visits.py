"""What a fetched page means, decided without a network."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from twin_common.documents import Authorship, Category
from twin_common.identity import AuthorId
from twin_common.warehouse import PageState
from twin_crawler.extraction import ExtractedPage
from twin_crawler.failures import Failure
from twin_crawler.source import Fetched, File, Found, ReadPage
from twin_crawler.testing.mock_site import article
from twin_crawler.visits import (
    Gone,
    PageAddress,
    Unchanged,
    Visit,
    Written,
    accept,
    follow,
    judge,
    needs_no_fetch,
    remove,
)

URL = "http://blog.example.org/posts/a/"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
ADDRESS = PageAddress(AuthorId("ada"), Found(URL), "http://blog.example.org/", Category.ARTICLE, "web")


def fetched(status: int = 200, body: str = "", url: str = URL, moved_for_good: bool = True) -> Fetched:
    html = "text/html; charset=utf-8"
    return Fetched(url, status, body.encode(), html, '"e"', "yesterday", moved_for_good)


def visit(answer: Fetched, state: PageState | None = None, requested_at: datetime = NOW) -> Visit:
    return judge(ADDRESS, answer, state, requested_at, NOW)


def written(answer: Fetched, state: PageState | None = None) -> Written:
    found = visit(answer, state)
    assert isinstance(found, Written), found
    return found


class TestJudge:
    def test_a_new_page_becomes_a_draft_and_a_state_of_the_same_document(self) -> None:
        found = written(fetched(body=article("A")))
        assert found.draft.document_id == found.state.document_id
        assert (found.draft.url, found.draft.canonical_url) == (URL, "https://blog.example.org/posts/a")
        assert (found.state.url, found.state.source_url) == (ADDRESS.canonical, ADDRESS.link)
        assert (found.state.etag, found.state.last_modified, found.state.seen_at) == ('"e"', "yesterday", NOW)

    def test_not_modified_and_equal_bytes_are_unchanged(self) -> None:
        state = written(fetched(body=article("A"))).state.model_copy(update={"gone_count": 1})
        for answer in (fetched(304), fetched(body=article("A"))):
            found = visit(answer, state)
            assert isinstance(found, Unchanged)
            assert found.state.gone_count == 0

    def test_other_bytes_are_read(self) -> None:
        state = written(fetched(body=article("A"))).state
        assert written(fetched(body=article("A", "Edited.")), state).draft.document_id == state.document_id

    def test_equal_bytes_at_a_new_address_are_another_document(self) -> None:
        state = written(fetched(body=article("A"))).state
        moved = written(fetched(body=article("A"), url="http://blog.example.org/b"), state)
        assert moved.draft.canonical_url == "https://blog.example.org/b"
        assert moved.state.document_id != state.document_id
        assert isinstance(
            visit(fetched(body=article("A"), url="http://blog.example.org/b"), moved.state), Unchanged
        )

    def test_a_redirect_for_the_time_being_keeps_the_address(self) -> None:
        found = written(fetched(body=article("A"), url="http://blog.example.org/b", moved_for_good=False))
        assert found.draft.canonical_url == ADDRESS.canonical

    @pytest.mark.parametrize("status", [404, 410])
    def test_gone_counts_runs_in_a_row_and_not_attempts_of_one_run(self, status: int) -> None:
        state = written(fetched(body=article("A"))).state
        run = NOW - timedelta(minutes=5)
        once = visit(fetched(status), state, run)
        assert isinstance(once, Gone)
        assert (once.state.gone_count, once.for_good) == (1, False)
        repeated = visit(fetched(status), once.state, run)
        assert isinstance(repeated, Gone)
        assert repeated.state.gone_count == 1
        next_run = visit(fetched(status), once.state, NOW + timedelta(minutes=5))
        assert isinstance(next_run, Gone)
        assert next_run.for_good

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (fetched(404), "http_404"),
            (fetched(500), "http_500"),
            (fetched(401), "login_required"),
            (fetched(body=article("A"), url="http://blog.example.org/login?next=a"), "login_required"),
            (fetched(body="<html><body></body></html>"), "no_text"),
            (Fetched(URL, 200, b"%PDF-1.7", "application/pdf"), "not_html"),
            (Fetched(URL, 200, b"\x00\x01", ""), "not_html"),
        ],
    )
    def test_failures_have_names(self, answer: Fetched, reason: str) -> None:
        found = visit(answer)
        assert isinstance(found, Failure)
        assert found.reason == reason


class TestHandedOver:
    """Documents and news that a source holds in its hands."""

    FILE = File(URL, "log.py", "x = 1\n", Category.CODE, "1 abc", metadata={"path": "log.py"})

    def test_a_file_is_written_with_its_revision(self) -> None:
        visit = accept(ADDRESS, self.FILE, None, NOW)
        assert (visit.state.revision, visit.state.document_id) == ("1 abc", visit.draft.document_id)
        assert (visit.draft.category, visit.draft.metadata) == (Category.CODE, {"path": "log.py"})
        assert needs_no_fetch(Found(URL, revision="1 abc"), visit.state, NOW)
        assert not needs_no_fetch(Found(URL, revision="1 abd"), visit.state, NOW)
        assert not needs_no_fetch(Found(URL), visit.state, NOW)

    def test_a_removed_file_is_gone_for_good_at_once(self) -> None:
        assert remove(accept(ADDRESS, self.FILE, None, NOW).state, NOW).for_good

    def test_how_far_a_place_was_followed_is_no_document(self) -> None:
        noted = follow(ADDRESS, "1 abc 3", None, NOW)
        assert (noted.state.revision, noted.state.document_id) == ("1 abc 3", None)
        assert not needs_no_fetch(Found(URL, revision="1 abc 3"), noted.state, NOW)


class TestAuthorshipAndPreviews:
    def test_what_the_source_read_reaches_the_draft(self) -> None:
        def read(fetched: Fetched, url: str) -> ReadPage:
            page = ExtractedPage("T", None, None, None, url, "words")
            return ReadPage(page, ("Ben Reed",), partial=True, metadata={"subtitle": "s"})

        address = replace(ADDRESS, owner=("Ada Stone",), read=read)
        visit = judge(address, Fetched(URL, 200, b"{}"), None, NOW, NOW)
        assert isinstance(visit, Written)
        draft = visit.draft
        assert (draft.authorship, draft.partial, draft.author_name) == (Authorship.OTHER, True, "Ben Reed")
        assert draft.metadata == {"subtitle": "s"}

    def test_the_listing_names_whom_the_page_does_not(self) -> None:
        found = Found(URL, authors=("Ada Stone",), has_several_authors=True)
        address = replace(ADDRESS, owner=("Ada Stone",), found=found)
        visit = judge(address, Fetched(URL, 200, article("A").encode(), "text/html"), None, NOW, NOW)
        assert isinstance(visit, Written)
        assert visit.draft.authorship is Authorship.OWNER
        nobody = replace(address, found=replace(found, authors=()))
        visit = judge(nobody, Fetched(URL, 200, article("A").encode(), "text/html"), None, NOW, NOW)
        assert isinstance(visit, Written)
        assert visit.draft.authorship is Authorship.UNCLEAR
