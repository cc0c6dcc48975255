"""Which pages of a long list one crawl fetches."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.page_budget import PageBudget

_DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)


def one_crawl(listed: int, read: dict[int, datetime], pages: int, now: datetime) -> tuple[list[int], int]:
    """The pages that a crawl fetches of a list, and how many it leaves out; notes in `read` what it read."""
    budget = PageBudget[int](pages, len(read))
    fetched = []
    for page in range(listed):
        if page in read:
            budget.put_aside(page, read[page])
        elif budget.takes_new():
            fetched.append(page)
    fetched += budget.rest()
    read |= dict.fromkeys(fetched, now)
    return fetched, budget.left_out


class TestPageBudget:
    def test_a_list_of_fifty_thousand_is_worked_off_by_several_crawls(self) -> None:
        read: dict[int, datetime] = {}
        crawls = 0
        while len(read) < 50_000:
            fetched, left_out = one_crawl(50_000, read, 10_000, _DAY_ONE + timedelta(days=crawls))
            assert len(fetched) == 10_000
            assert left_out == 40_000
            crawls += 1
        assert crawls == 6, "one more than five, because known pages keep a fifth"

    @given(st.integers(0, 60), st.sets(st.integers(0, 59)), st.integers(1, 30))
    def test_never_more_than_allowed_and_what_fits_is_fetched_whole(
        self, listed: int, known: set[int], pages: int
    ) -> None:
        read = {page: _DAY_ONE + timedelta(hours=page) for page in known if page < listed}
        fetched, left_out = one_crawl(listed, dict(read), pages, _DAY_ONE)
        assert len(fetched) == len(set(fetched)) <= pages
        assert len(fetched) + left_out == listed
        if listed <= pages and not read:
            assert left_out == 0
        again = [page for page in fetched if page in read]
        assert again == sorted(again, key=lambda page: read[page]), "those read longest ago come first"
