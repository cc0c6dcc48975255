"""How long a failing link is left alone."""

from datetime import UTC, datetime, timedelta

from twin_common.warehouse import LinkState
from twin_crawler.failures import Failure
from twin_crawler.link_pauses import after_crawl, is_paused

_NOW = datetime(2026, 5, 1, tzinfo=UTC)
_NEW = LinkState(author_id="ada", url="https://a.example/")
_DOWN = Failure("unreachable", "the host refused the connection")


class TestAfterCrawl:
    def test_pauses_begin_with_the_second_failure_and_double_up_to_a_day(self) -> None:
        state, pauses = _NEW, []
        for _ in range(12):
            state = after_crawl(state, _DOWN, _NOW)
            pauses.append((state.paused_until or _NOW) - _NOW)
        minutes = [pause / timedelta(minutes=1) for pause in pauses]
        assert minutes[:5] == [0, 10, 20, 40, 80]
        assert minutes[-1] == 24 * 60
        assert (state.failures, state.reason) == (12, "unreachable")

    def test_success_forgets_them(self) -> None:
        state = after_crawl(after_crawl(after_crawl(_NEW, _DOWN, _NOW), _DOWN, _NOW), None, _NOW)
        assert state == _NEW

    def test_what_will_not_pass_pauses_nothing_and_is_remembered(self) -> None:
        missing = Failure("http_404", "the server answered 404")
        state = after_crawl(after_crawl(_NEW, missing, _NOW), missing, _NOW)
        assert (state.paused_until, state.reason) == (None, "http_404")

    def test_a_servers_wish_counts_at_once(self) -> None:
        until = _NOW + timedelta(hours=3)
        state = after_crawl(_NEW, Failure("http_429", "too many", retry_at=until), _NOW)
        assert state.paused_until == until


class TestIsPaused:
    def test_until_the_time_and_not_for_who_asks_by_name(self) -> None:
        state = after_crawl(after_crawl(_NEW, _DOWN, _NOW), _DOWN, _NOW)
        assert is_paused(state, _NOW, asked_by_name=False)
        assert not is_paused(state, _NOW, asked_by_name=True)
        assert not is_paused(state, _NOW + timedelta(minutes=11), asked_by_name=False)
        assert not is_paused(None, _NOW, asked_by_name=False)

    def test_a_servers_wish_binds_everybody(self) -> None:
        wish = Failure("http_429", "too many", retry_at=_NOW + timedelta(hours=3))
        assert is_paused(after_crawl(_NEW, wish, _NOW), _NOW, asked_by_name=True)
