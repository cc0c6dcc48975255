"""A single article: the link is the page."""

from collections.abc import AsyncIterator

from twin_crawler.failures import Failure
from twin_crawler.link_shapes import is_site
from twin_crawler.source import Found, Site, Source


async def _find(site: Site) -> AsyncIterator[Found | Failure]:
    yield Found(site.link)


SOURCE = Source(name="article", claims=lambda link: not is_site(link), find=_find)
