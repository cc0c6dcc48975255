"""How long a server asks to be left alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.retry_after import seconds_to_wait

_NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class TestSecondsToWait:
    @pytest.mark.parametrize(
        ("header", "date", "expected"),
        [
            ("120", None, 120),
            (" 0 ", None, 0),
            ("Fri, 01 May 2026 12:01:00 GMT", None, 60),
            ("Fri, 01 May 2026 11:00:00 GMT", None, 0),
            # the server's clock is an hour ahead: its own Date tells
            ("Fri, 01 May 2026 13:01:00 GMT", "Fri, 01 May 2026 13:00:00 GMT", 60),
            ("Friday, 01-May-26 12:01:00 GMT", None, 60),
            *((text, None, None) for text in ("", "soon", "-5", "1.5", "9" * 30, "²", "Fri, 99 Foo 2026")),
            (None, None, None),
        ],
    )
    def test_seconds_and_dates(self, header: str | None, date: str | None, expected: float | None) -> None:
        assert seconds_to_wait(header, date, _NOW) == expected

    @given(st.text(), st.text())
    def test_no_text_breaks_it_and_nothing_is_negative(self, header: str, date: str) -> None:
        seconds = seconds_to_wait(header, date, _NOW)
        assert seconds is None or seconds >= 0
