"""Reads a page as a crawl met it: with the parts that follow, or as AMP, or as a browser shows it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from twin_common.clock import utc_now
from twin_common.documents import Timestamp
from twin_common.errors import InvalidUrl
from twin_common.identity import canonical_url
from twin_common.warehouse import PageState
from twin_crawler.amp import amp_form, full_form
from twin_crawler.article_parts import first_part, is_list, may_be_part, may_have_parts, next_part
from twin_crawler.extraction import parse_page
from twin_crawler.failures import Failure
from twin_crawler.rendering import as_rendered, is_shell
from twin_crawler.source import Fetch, Fetched, read_html, same_site
from twin_crawler.visits import PageAddress, Visit, Written, judge

if TYPE_CHECKING:
    from twin_crawler.rendering import Renderer

_Way = Callable[[Fetched], Awaitable[Fetched | Failure | None]]
"""A way from a page to the one that shows its text; None: it does not lead anywhere."""

_IS_AMP = re.compile(rb"<html\b[^>]*(?:\samp\b|\xe2\x9a\xa1)", re.IGNORECASE)


@dataclass(frozen=True)
class PartLimits:
    """How much of an article in several parts is read; of a longer one the rest is left out."""

    parts: int = 30
    bytes: int = 20 * 1024 * 1024


class PageReader:
    """Reads the pages of one crawl.

    Args:
        fetch: fetches what a page refers to, through the crawl's own guard and at its pace.
        renderer: the browser for pages that show nothing without it.
        rendered_sites: the links on whose hosts pages may be rendered.
        requested_at: when the crawl was asked for.
        is_listed: whether the crawl reads a page, by its canonical address, for its own sake.
        limits: of articles in several parts.
    """

    def __init__(
        self,
        fetch: Fetch,
        renderer: "Renderer",
        *,
        rendered_sites: tuple[str, ...],
        requested_at: Timestamp,
        is_listed: Callable[[str], bool],
        limits: PartLimits = PartLimits(),
    ) -> None:
        self._fetch = fetch
        self._renderer = renderer
        self._rendered_sites = rendered_sites
        self._requested_at = requested_at
        self._is_listed = is_listed
        self._limits = limits

    async def read(self, address: PageAddress, fetched: Fetched, state: PageState | None) -> Visit:
        """What a page means, whichever way leads to its text: the page itself, then AMP, then a browser."""
        ways: tuple[_Way, ...] = (_as_it_is, self._rendered)
        if address.read is read_html and 200 <= fetched.status < 300:
            begin = await asyncio.to_thread(_beginning, fetched)
            if begin is not None and self._is_listed(_canonical(begin)):
                return _as_other_form(await self._judge(address, fetched, state), begin)
            ways = (partial(self._whole, begin), self._as_amp, self._rendered)
        visit: Visit = Failure("no_text", "no main text was found in the page")
        for way in ways:
            shown = await way(fetched)
            if isinstance(shown, Failure):
                return shown
            if shown is not None:
                visit = await self._judge(address, shown, state)
                if not _is_empty(visit, shown):
                    return visit
        return visit

    async def _judge(self, address: PageAddress, fetched: Fetched, state: PageState | None) -> Visit:
        """In a thread, because a long page takes a while."""
        return await asyncio.to_thread(judge, address, fetched, state, self._requested_at, utc_now())

    async def _whole(self, begin: str | None, page: Fetched) -> Fetched | Failure:
        """The article from its first part to its last."""
        start = await self._start(begin, page)
        parts, known, size, cut_short = [start], {_canonical(start.url)}, len(start.body), False
        while (url := await asyncio.to_thread(_next_part, parts)) is not None:
            if _canonical(url) in known:
                break
            cut_short = len(parts) == self._limits.parts or size > self._limits.bytes
            part = None if cut_short else await self._fetch(url)
            if isinstance(part, Failure) and part.is_transient:
                # Half an article in place of the whole one would pass for an edit.
                return replace(part, detail=f"part {len(parts) + 1} of the article: {part.detail}")
            if part is None or isinstance(part, Failure):
                cut_short = True
                break
            is_back = _canonical(part.url) in known or any(part.body == earlier.body for earlier in parts)
            if is_back or not same_site(part.url, start.url):
                break
            known |= {_canonical(url), _canonical(part.url)}
            size += len(part.body)
            parts.append(part)
        if len(parts) == 1 and not cut_short:
            return start
        # What the first part's server says of its state vouches for no other part.
        return replace(start, further=tuple(parts[1:]), cut_short=cut_short, etag=None, last_modified=None)

    async def _start(self, url: str | None, page: Fetched) -> Fetched:
        """The page that a later part or an AMP page names as the first or the full one, if that has text."""
        start = await self._fetch(url) if url is not None else page
        if start is page or isinstance(start, Failure):
            return page
        if isinstance(await asyncio.to_thread(read_html, start, start.url), Failure):
            return page
        return replace(start, etag=None, last_modified=None)

    async def _as_amp(self, page: Fetched) -> Fetched | None:
        url = await asyncio.to_thread(_amp_of, page)
        amp = await self._fetch(url) if url is not None else None
        if amp is None or isinstance(amp, Failure):
            return None
        return replace(page, body=amp.body, content_type=amp.content_type, etag=None, last_modified=None)

    async def _rendered(self, page: Fetched) -> Fetched | Failure | None:
        """What scripts make of a page; only of hosts that the owner listed."""
        is_listed = any(same_site(page.url, link) for link in self._rendered_sites)
        if not is_listed or b"<script" not in page.body:
            return None
        rendered = await self._renderer.render(page.url)
        return rendered if isinstance(rendered, Failure) else as_rendered(page, rendered)


async def _as_it_is(page: Fetched) -> Fetched:
    return page


def _is_empty(visit: Visit, fetched: Fetched) -> bool:
    if isinstance(visit, Written):
        return is_shell(fetched.body, visit.draft.text)
    return isinstance(visit, Failure) and visit.reason == "no_text"


def _as_other_form(visit: Visit, start: str) -> Visit:
    """A page that another one stands for."""
    if not isinstance(visit, Written):
        return visit
    return replace(visit, draft=visit.draft.model_copy(update={"canonical_url": _canonical(start)}))


def _beginning(page: Fetched) -> str | None:
    """Where a page says that the full page or the first part is."""
    if not (_IS_AMP.search(page.body) or may_be_part(page.body, page.url)):
        return None
    tree = parse_page(page.body, page.content_type)
    return None if tree is None else full_form(tree, page.url) or first_part(tree, page.url)


def _next_part(parts: list[Fetched]) -> str | None:
    page, first = parts[-1], parts[0].url
    if not may_have_parts(page.body, first):
        return None
    tree = parse_page(page.body, page.content_type)
    found = None if tree is None else next_part(tree, page.url, first, len(parts))
    return None if tree is None or found is None or (len(parts) == 1 and is_list(tree)) else found


def _amp_of(page: Fetched) -> str | None:
    tree = parse_page(page.body, page.content_type) if b"amphtml" in page.body.lower() else None
    return None if tree is None else amp_form(tree, page.url)


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except InvalidUrl:
        return url
