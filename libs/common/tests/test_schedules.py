"""Cron expressions and intervals."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.schedules import parse_schedule

_NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("0 6 * * *", datetime(2026, 3, 29, 6, tzinfo=UTC)),
            ("30 6 * * 1", datetime(2026, 3, 30, 6, 30, tzinfo=UTC)),
            (
                "0 6 * * * Europe/Stockholm",
                datetime(2026, 3, 29, 4, tzinfo=UTC),
            ),  # summer time began
            ("6h", datetime(2026, 3, 28, 18, tzinfo=UTC)),
            ("every 2 days", datetime(2026, 3, 30, 12, tzinfo=UTC)),
            ("Every 30 minutes", datetime(2026, 3, 28, 12, 30, tzinfo=UTC)),
        ],
    )
    def test_the_next_one(self, text: str, expected: datetime) -> None:
        assert parse_schedule(text).after(_NOW) == expected

    def test_an_hour_that_the_clocks_skip_is_not_lost(self) -> None:
        night = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
        moment = parse_schedule("30 2 * * * Europe/Stockholm").after(night)
        assert night < moment < night + timedelta(hours=3)

    def test_a_new_interval_begins_at_once_and_a_new_cron_expression_at_its_moment(self) -> None:
        assert parse_schedule("6h").first(_NOW) == _NOW
        assert parse_schedule("0 6 * * *").first(_NOW) == datetime(2026, 3, 29, 6, tzinfo=UTC)

    @given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    def test_it_is_always_in_the_future(self, now: datetime) -> None:
        for text in ("5m", "*/5 * * * *", "0 3 1 * * America/New_York", "0 0 29 2 *"):
            assert parse_schedule(text).after(now) > now


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            *("", "nonsense", "0 6 * *", "61 * * * *", "0 0 31 2 *", "0 6 * * * Mars/Base", "1m", "400d"),
            *("* * * * *", "0 6 * * * ../../etc/passwd", "0h", "0 6 * * * Europe/Stockholm extra", "-5m"),
        ],
    )
    def test_what_is_no_schedule_is_refused_with_an_example(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"'0 6 \* \* \*'|5 ?min|5m"):
            parse_schedule(text)
