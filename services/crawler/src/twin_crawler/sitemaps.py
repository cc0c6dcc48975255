"""Reads sitemaps, sitemap indexes and the lines of a robots.txt that name them."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from lxml import etree

WELL_KNOWN_SITEMAP = "/sitemap.xml"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Sitemap:
    """What one sitemap file lists: pages, or further sitemaps when it is an index."""

    pages: tuple[str, ...] = ()
    dates: Mapping[str, str] = field(default_factory=dict)
    """When pages changed last, as it is written, by address."""
    sitemaps: tuple[str, ...] = ()


def sitemaps_of_robots(body: bytes, url: str) -> list[str]:
    """The addresses after `Sitemap:` in a robots.txt."""
    lines = (line.split("#", 1)[0].strip() for line in body.decode("utf-8", "replace").splitlines())
    named = (line.partition(":") for line in lines)
    return [urljoin(url, rest.strip()) for name, _, rest in named if name.strip().lower() == "sitemap"]


def read_sitemap(body: bytes, url: str, max_bytes: int) -> Sitemap | None:
    """Take a sitemap or index apart, gzip or plain, XML or one address a line.

    Returns:
        None when the body is neither, or when it would grow above `max_bytes`.
    """
    plain = _gunzip(body, max_bytes) if body.startswith(_GZIP) else body
    if plain is None:
        return None
    if not plain.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = plain.decode("utf-8", "replace").split()
        return Sitemap(tuple(lines)) if lines and all(line.startswith("http") for line in lines) else None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(plain, parser)
    except etree.XMLSyntaxError:
        return None
    kind = etree.QName(root).localname if root is not None else ""
    if kind not in ("urlset", "sitemapindex"):
        return None
    found = ((_text(entry, "loc"), _text(entry, "lastmod")) for entry in root)
    dates = {urljoin(url, place): date for place, date in found if place}
    if kind == "sitemapindex":
        return Sitemap(sitemaps=tuple(dates))
    return Sitemap(pages=tuple(dates), dates={place: date for place, date in dates.items() if date})


def _text(entry: "etree._Element", name: str) -> str:
    texts = (child.text for child in entry.iterchildren("{*}" + name))
    return next((text.strip() for text in texts if text), "")


def _gunzip(body: bytes, max_bytes: int) -> bytes | None:
    """Decompress, but never to more than `max_bytes`: a small file may hold a huge one."""
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = decompressor.decompress(body, max_bytes + 1)
    except zlib.error:
        return None
    return plain if len(plain) <= max_bytes else None
