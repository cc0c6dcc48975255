"""Feeds of every kind, and things that are none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.feeds import FeedEntry, announced_feeds, feed_entries

URL = "https://blog.example.org/feed"
A, B = "https://blog.example.org/a", "https://blog.example.org/b"

RSS = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>
<item><title>A</title><link>{A}</link></item><item><link> /b </link></item><item><title>none</title></item>
</channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>
<entry><link rel="alternate" href="{A}"/></entry><entry><link href="/b"/></entry></feed>"""
JSON = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"url": "{A}"}}, {{"url": "/b"}}, 3]}}'


def entry_links(body: bytes, url: str) -> list[str] | None:
    entries = feed_entries(body, url)
    return None if entries is None else [entry.url for entry in entries]


class TestFeedEntries:
    def test_who_wrote_an_entry_and_when_it_changed(self) -> None:
        rss = (
            '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><item>'
            f"<link>{A}</link><dc:creator>Ada Stone</dc:creator>"
            "<pubDate>Mon, 06 May 2024 09:00:00 GMT</pubDate></item></channel></rss>"
        )
        atom = (
            f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="{A}"/>'
            "<author><name>Ada Stone</name></author><author><name>Ben Reed</name></author>"
            "<published>2024-05-06</published><updated>2024-05-07</updated></entry></feed>"
        )
        entry = f'{{"url": "{A}", "authors": [{{"name": "Ada Stone"}}], "date_modified": "2024-05-07"}}'
        json = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{entry}]}}'
        assert feed_entries(rss.encode(), URL) == [
            FeedEntry(A, ("Ada Stone",), published="Mon, 06 May 2024 09:00:00 GMT")
        ]
        assert feed_entries(atom.encode(), URL) == [
            FeedEntry(A, ("Ada Stone", "Ben Reed"), published="2024-05-06", updated="2024-05-07")
        ]
        assert feed_entries(json.encode(), URL) == [FeedEntry(A, ("Ada Stone",), updated="2024-05-07")]

    @pytest.mark.parametrize("feed", [RSS, ATOM, JSON])
    def test_links_in_order_and_absolute(self, feed: str) -> None:
        assert entry_links(feed.encode(), URL) == [A, B]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html><body>Hello</body></html>",
            b"{}",
            b'{"items": []}',
            b"{broken",
            b"[" * 5000,
            b"\xff\xfe",
        ],
    )
    def test_what_is_no_feed_is_none(self, body: bytes) -> None:
        assert entry_links(body, URL) is None

    def test_entities_do_not_reach_files(self) -> None:
        entity = '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        links = entry_links((entity + ATOM.replace('href="/b"', 'href="/&e;"')).encode(), URL) or []
        assert Path("/etc/hostname").read_text().strip() not in " ".join(links)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, body: bytes) -> None:
        assert entry_links(body, URL) is None or body


class TestAnnouncedFeeds:
    def test_alternate_links_with_a_feeds_type(self) -> None:
        page = b"""<html><head>
            <link rel="alternate" type="application/rss+xml" href="/rss">
            <link rel="ALTERNATE home" type="application/atom+xml; charset=utf-8" href="https://x.example.org/atom">
            <link rel="alternate" type="application/rss+xml" href="/rss">
            <link rel="alternate" hreflang="de" href="/de"><link rel="stylesheet" type="text/css" href="/c">
            <link rel="alternate" type="application/rss+xml"></head></html>"""
        assert announced_feeds(page, "https://blog.example.org/x/") == [
            "https://blog.example.org/rss",
            "https://x.example.org/atom",
        ]

    @given(st.binary(max_size=100))
    def test_any_bytes(self, body: bytes) -> None:
        assert announced_feeds(body, URL) == []
