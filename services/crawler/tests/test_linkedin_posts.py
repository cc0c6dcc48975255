"""LinkedIn's addresses and its feed, without a browser."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.linkedin_posts import date_of_urn, is_sign_in, profile_of, read_feed, share_urns
from twin_crawler.testing.mock_linkedin import FIRST, post


class TestDates:
    @pytest.mark.parametrize(
        ("text", "made_at"),
        [
            # "created": {"time": 1506560133675} in LinkedIn's documentation of its Compliance Events API
            ("urn:li:activity:6318971194909560123", datetime(2017, 9, 28, 0, 55, 33, tzinfo=UTC)),
            # a row of a Shares.csv: 2026-05-07 16:41:18
            ("feed/update/urn:li:ugcPost:7458194261025673216", datetime(2026, 5, 7, 16, 41, 18, tzinfo=UTC)),
        ],
    )
    def test_the_upper_bits_of_an_id_are_milliseconds(self, text: str, made_at: datetime) -> None:
        found = date_of_urn(text)
        assert found is not None
        assert found.replace(microsecond=0) == made_at

    @given(st.datetimes(min_value=datetime(2010, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001
    def test_any_date_comes_back(self, moment: datetime) -> None:
        made_at = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
        milliseconds = round(made_at.timestamp() * 1000)
        assert date_of_urn(f"urn:li:share:{milliseconds << 22 | 12345}") == made_at

    @pytest.mark.parametrize("text", ["", "urn:li:activity:1", "urn:li:person:7163147469877407744", "x" * 99])
    def test_what_holds_no_id_has_no_date(self, text: str) -> None:
        assert date_of_urn(text) is None


class TestAddresses:
    def test_profile(self) -> None:
        assert profile_of("https://www.linkedin.com/in/Ada-Stone-1a2b/?trk=x") == "ada-stone-1a2b"
        assert profile_of("https://www.linkedin.com/company/acme/") is None

    @pytest.mark.parametrize("path", ["login", "uas/login?x=1", "authwall?trk=a", "checkpoint/lg/x"])
    def test_sign_in(self, path: str) -> None:
        assert is_sign_in(f"https://www.linkedin.com/{path}")
        assert not is_sign_in("https://www.linkedin.com/in/login-smith/recent-activity/all/")


class TestFeed:
    def test_own_words_only(self) -> None:
        html = "".join(
            (
                post(FIRST, "Mine<br>over two lines, <a href='https://lnkd.in/x'>https://lnkd.in/x</a>"),
                post(FIRST + 1, "Words of Bob", writer="bob", header="reposted this"),
                post(FIRST + 2, "My view of it", shared="Words of Bob"),
                post(FIRST + 3, "Words of Eve", writer="eve"),
                post(FIRST + 4, ""),
                post(FIRST + 5, "On <a href='https://www.linkedin.com/feed/hashtag/tea'>#tea</a>"),
            )
        )
        found = [(int(read.urn[-19:]) - FIRST, read.text, read.shares) for read in read_feed(html, "ada")]
        assert found == [
            (0, "Mine\nover two lines, https://lnkd.in/x", False),
            (2, "My view of it", True),
            (5, "On #tea", False),
        ]

    @given(st.text(max_size=300))
    def test_any_page_is_read(self, html: str) -> None:
        assert read_feed(html, "ada") == []

    def test_the_share_behind_an_activity(self) -> None:
        pairs = share_urns(
            [
                b'{"urn":"urn:li:activity:1","x":2,"shareUrn":"urn:li:share:9"}',
                b"{&quot;shareUrn&quot;:&quot;urn:li:ugcPost:8&quot;,&quot;urn&quot;:&quot;urn:li:activity:2&quot;}",
                b'{"urn":"urn:li:activity:3"},{"shareUrn":"urn:li:share:7"}',
            ]
        )
        assert pairs == {"urn:li:activity:1": "urn:li:share:9", "urn:li:activity:2": "urn:li:ugcPost:8"}
