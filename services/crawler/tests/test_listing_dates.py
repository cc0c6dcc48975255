"""When the date in a list says enough."""

from datetime import UTC, datetime, timedelta

import pytest

from twin_common.warehouse import PageState
from twin_crawler.listing_dates import is_current_by_date, latest_date

_READ = datetime(2026, 5, 10, 12, tzinfo=UTC)


def page(**fields: object) -> PageState:
    known = {"author_id": "ada", "url": "https://a.example/x", "document_id": "d", "revision": "2026-05-01"}
    return PageState.model_validate(known | {"seen_at": _READ} | fields)


class TestIsCurrent:
    def test_a_page_read_long_enough_after_its_date(self) -> None:
        assert is_current_by_date("2026-05-01", page(), _READ + timedelta(hours=1))

    @pytest.mark.parametrize(
        ("revision", "state", "why"),
        [
            (None, page(), "no date"),
            ("2026-05-02", page(), "a new date"),
            ("2026-05-01", None, "an unknown page"),
            ("2026-05-01", page(document_id=None), "no document came of it"),
            ("2026-05-01", page(gone_count=1), "it was gone once"),
            ("2026-05-10", page(revision="2026-05-10"), "read on the same day: an edit may have followed"),
            ("yes", page(revision="yes"), "no date at all"),
            ("2026-05-01", page(seen_at=None), "never read"),
        ],
    )
    def test_else_it_is_looked_at(self, revision: str | None, state: PageState | None, why: str) -> None:
        assert not is_current_by_date(revision, state, _READ + timedelta(hours=1)), why

    def test_a_list_that_never_changes_its_dates_is_not_believed_for_ever(self) -> None:
        assert not is_current_by_date("2026-05-01", page(), _READ + timedelta(days=8))


class TestLatestDate:
    @pytest.mark.parametrize(
        ("dates", "latest"),
        [
            (("2026-05-01", "Mon, 04 May 2026 09:00:00 GMT"), "Mon, 04 May 2026 09:00:00 GMT"),
            (("2026-05-05", "Mon, 04 May 2026 09:00:00 GMT"), "2026-05-05"),
            (("2026-05-01T00:00:00+02:00", "2026-05-01"), "2026-05-01"),
            ((None, "2026-05-01"), "2026-05-01"),
            (("soon", "2026-05-01"), "2026-05-01"),
            (("soon", None, ""), None),
            ((), None),
        ],
    )
    def test_as_feeds_and_sitemaps_write_them(
        self, dates: tuple[str | None, ...], latest: str | None
    ) -> None:
        assert latest_date(*dates) == latest
