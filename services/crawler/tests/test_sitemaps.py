"""Sitemaps, indexes and robots.txt."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.sitemaps import Sitemap, read_sitemap, sitemaps_of_robots

URL = "https://blog.example.org/sitemap.xml"
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
A, B = "https://blog.example.org/a", "https://blog.example.org/b"
SITEMAP = (
    f"<urlset {NAMESPACE} xmlns:image='http://example.org/i'><url><loc>\n{A} </loc><image:image>"
    f"<image:loc>{A}.png</image:loc></image:image></url><url><loc>/b</loc></url><url><loc>{A}</loc></url></urlset>"
).encode()


def read(body: bytes, max_bytes: int = 1_000_000) -> Sitemap | None:
    return read_sitemap(body, URL, max_bytes)


class TestReadSitemap:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_pages_each_once_and_absolute(self, pack: type[bytes]) -> None:
        assert read(pack(SITEMAP)) == Sitemap(pages=(A, B))

    def test_index(self) -> None:
        body = f"<sitemapindex {NAMESPACE}><sitemap><loc>{A}.xml</loc></sitemap></sitemapindex>".encode()
        assert read(body) == Sitemap(sitemaps=(f"{A}.xml",))

    def test_one_address_a_line(self) -> None:
        assert read(f"{A}\n{B}\n".encode()) == Sitemap(pages=(A, B))

    def test_a_bomb_is_not_unpacked(self) -> None:
        assert read(gzip.compress(b"<urlset>" + b" " * 50_000_000), max_bytes=100_000) is None

    def test_entities_are_not_resolved(self) -> None:
        body = b'<!DOCTYPE u [<!ENTITY e SYSTEM "file:///etc/hostname">]><urlset><url><loc>&e;</loc></url></urlset>'
        assert read(body) in (None, Sitemap())

    @pytest.mark.parametrize("body", [b"", b"hello there", b"<html></html>", b"\x1f\x8bbroken", b"<urlset"])
    def test_what_is_no_sitemap(self, body: bytes) -> None:
        assert read(body) in (None, Sitemap())

    @given(st.binary(max_size=200))
    def test_any_bytes(self, body: bytes) -> None:
        read(body)


class TestSitemapsOfRobots:
    def test_lines_in_any_case_with_comments(self) -> None:
        robots = b"User-agent: *\nDisallow: /x\nsitemap: /one.xml # first\nSITEMAP:https://cdn.example.org/two.xml\n"
        assert sitemaps_of_robots(robots, "https://blog.example.org/robots.txt") == [
            "https://blog.example.org/one.xml",
            "https://cdn.example.org/two.xml",
        ]
