"""What a fetched page means, decided without a network."""

from datetime import UTC, datetime, timedelta

import pytest

from twin_common.documents import Category
from twin_common.identity import AuthorId
from twin_common.warehouse import PageState
from twin_crawler.failures import Failure
from twin_crawler.source import Fetched, Found
from twin_crawler.testing.mock_site import article
from twin_crawler.visits import Gone, PageAddress, Unchanged, Visit, Written, judge

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
