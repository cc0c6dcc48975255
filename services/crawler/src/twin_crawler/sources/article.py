"""A single article: the link is the page."""

from collections.abc import AsyncIterator

from twin_crawler.link_shapes import is_site
from twin_crawler.source import Finding, Found, Site, Source


async def _find(site: Site) -> AsyncIterator[Finding]:
    yield Found(site.link)


SOURCE = Source(name="article", claims=lambda link: not is_site(link), find=_find, is_last_resort=True)
