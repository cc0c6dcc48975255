"""One crawl of one author: asks the sources for pages, fetches each politely, and judges what came."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import structlog
from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure as TwistedFailure

from twin_common.clock import utc_now
from twin_common.documents import Category
from twin_common.errors import ForbiddenLink, InvalidUrl
from twin_common.events import LinkError
from twin_common.identity import canonical_url
from twin_common.link_guard import LinkGuard
from twin_common.warehouse import LinkState
from twin_crawler.browser_requests import RenderPolicy
from twin_crawler.credentials import Credentials
from twin_crawler.dispatcher import NoSource, recognise_source
from twin_crawler.download_failures import failure_of
from twin_crawler.downloads import Downloads, as_fetched
from twin_crawler.failures import Failure
from twin_crawler.front_pages import FrontPages
from twin_crawler.link_pauses import is_paused
from twin_crawler.page_budget import PageBudget
from twin_crawler.page_memory import PageMemory
from twin_crawler.page_reader import PageReader
from twin_crawler.page_store import PageStore, PageVisit
from twin_crawler.rendering import Renderer
from twin_crawler.reporter import Reporter
from twin_crawler.run_protocol import RunLink, RunSpec
from twin_crawler.source import File, Followed, Found, Removed, Site, Source, same_site
from twin_crawler.visits import PageAddress, Visit, accept, follow, needs_no_fetch, remove

log = structlog.get_logger(__name__)


class AuthorSpider(Spider):
    """Scrapy's view of a crawl; what it yields goes to `store` by way of the pipeline."""

    name = "author"

    def __init__(
        self,
        spec: RunSpec,
        guard: LinkGuard,
        *,
        memory: PageMemory,
        links: Mapping[str, LinkState],
        reporter: Reporter,
        store: PageStore,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.guard = guard
        self.memory = memory
        self.links = links
        self.reporter = reporter
        self.store = store
        self.error: Exception | None = None
        self._downloads = Downloads(self._ask, guard)
        self._front_pages = FrontPages(self._downloads.fetch)
        policy = RenderPolicy(chromium=spec.policy.chromium_path, name=spec.policy.user_agent)
        self.renderer = Renderer(self._downloads.answer, policy)
        self._pages = PageReader(
            self._downloads.fetch,
            self.renderer,
            rendered_sites=tuple(link.url for link in spec.links),
            requested_at=spec.requested_at,
            is_listed=memory.is_listed,
        )
        self._credentials = Credentials(spec.author_id, spec.credentials, spec.policy.secrets_path)

    async def start(self) -> AsyncIterator[Request]:
        """The requests of all links as their sources find them, so that no host waits for another."""
        requests: asyncio.Queue[Request | None] = asyncio.Queue(maxsize=100)
        links = {link.url: link for link in self.spec.links}.values()
        tasks = [asyncio.create_task(self._work_on(link, requests)) for link in links]
        working = len(tasks)
        while working:
            request = await requests.get()
            if request is None:
                working -= 1
            else:
                yield request

    async def _work_on(self, link: RunLink, requests: "asyncio.Queue[Request | None]") -> None:
        """Put the requests of a link into the queue, and None behind the last."""
        try:
            state = self.links.get(link.url)
            if state is not None and is_paused(state, utc_now(), self.spec.asked_by_name):
                self.reporter.paused(link.url, state)
                return
            async for address in self._addresses(link):
                self.reporter.discovered(address)
                if self.spec.dry_run:
                    self._plan(address)
                else:
                    await requests.put(self._request(address))
        except (ForbiddenLink, NoSource) as error:
            self.reporter.not_listed(link.url, link.url, failure_of(error))
        except Exception as error:
            # Whatever a page of strangers did to its source: the other links go on.
            log.exception("a source failed", link=link.url)
            failure = Failure("source_failed", f"{type(error).__name__}: {error}")
            self.reporter.not_listed(link.url, link.url, failure)
        finally:
            self.reporter.listed(link.url)
            await requests.put(None)

    async def _addresses(self, link: RunLink) -> AsyncIterator[PageAddress]:
        """The pages of a link that this crawl fetches: new ones first, then those read longest ago."""
        self.guard.vet_url(link.url)
        source = await recognise_source(link.url, self._front_pages.get)
        self._say_unknown_options(link, source)
        site = self._site(link)
        budget = PageBudget[PageAddress](self.spec.policy.max_pages_per_link, len(site.known))
        async for finding in source.find(site):
            await asyncio.sleep(0)  # a hundred thousand pages, and the other links wait for none of them
            if isinstance(finding, Failure):
                self.reporter.not_listed(link.url, link.url, finding)
                continue
            if not isinstance(finding, Found):
                await self._take(finding, link, source)
                continue
            address = self._listed(finding, link, source)
            if address is None:
                continue
            state = self.memory.state_of(address.canonical)
            if needs_no_fetch(finding, state, utc_now()):
                self.reporter.discovered(address)
                self.reporter.skipped(address)
            elif state is not None and state.document_id:
                budget.put_aside(address, state.seen_at)
            elif budget.takes_new():
                yield address
        for address in budget.rest():
            yield address
        if budget.left_out:
            detail = f"{budget.left_out} pages are more than one crawl fetches; the next crawls take them"
            self.reporter.say(LinkError(url=link.url, reason="too_many_pages", detail=detail))

    def _site(self, link: RunLink) -> Site:
        return Site(
            link=link.url,
            fetch=self._front_pages.fetch,
            fetch_changed=self._downloads.fetch_changed,
            known=self.memory.found_through(link.url),
            max_pages=self.spec.policy.max_listed_per_link,
            max_bytes=self.spec.policy.max_body_bytes,
            revision_of=self._revision_of,
            guard=self.guard,
            user_agent=self.spec.policy.user_agent,
            browser=self.renderer,
            options=link.options,
            secret=self._credentials.secret,
        )

    def _say_unknown_options(self, link: RunLink, source: Source) -> None:
        for name in sorted(link.options.keys() - source.options):
            known = ", ".join(sorted(source.options)) or "none"
            detail = f"the source {source.name} knows no option {name[:50]}; it knows {known}"
            self.reporter.say(LinkError(url=link.url, reason="unknown_option", detail=detail))

    def _revision_of(self, url: str) -> str | None:
        state = self.memory.state_of(canonical_url(url))
        return state.revision if state else None

    async def _take(self, finding: File | Removed | Followed, link: RunLink, source: Source) -> None:
        """Store what a source holds in its hands; slow storing slows the source down."""
        category = finding.category if isinstance(finding, File) else None
        address = self._address(Found(finding.url), link, source, category)
        state, now = self.memory.state_of(address.canonical), utc_now()
        visit: Visit
        match finding:
            case File():
                visit = accept(address, finding, state, now)
            case Followed():
                visit = follow(address, finding.revision, state, now)
            case Removed() if state is not None:
                visit = remove(state, now)
            case _:
                return
        if not isinstance(finding, Followed):
            self.reporter.discovered(address)
        if not self.spec.dry_run:
            await self.crawler.engine.scraper.start_itemproc_async(PageVisit(address, visit), response=None)
        elif isinstance(finding, File):
            self._plan(address)

    def _plan(self, address: PageAddress) -> None:
        self.reporter.plan(address, self.memory.state_of(address.canonical) is not None)

    def _listed(self, found: Found, link: RunLink, source: Source) -> PageAddress | None:
        """Where a page is, unless this crawl has had it already or may not fetch it."""
        address = self._address(found, link, source)
        try:
            if not self.memory.list_once(address.canonical):
                return None
            self.guard.vet_url(address.request_url)
        except (InvalidUrl, ForbiddenLink) as error:
            self.reporter.not_listed(link.url, found.url, failure_of(error))
            return None
        return address

    def _address(
        self, found: Found, link: RunLink, source: Source, category: Category | None = None
    ) -> PageAddress:
        return PageAddress(
            author_id=self.spec.author_id,
            found=found,
            link=link.url,
            category=category or link.category or source.category,
            platform=source.platform,
            owner=self.memory.owner,
            read=source.read,
        )

    def _request(self, address: PageAddress) -> Request:
        """The conditional request for a page."""
        state = self.memory.state_of(address.canonical)
        headers = {}
        if state is not None and state.document_id:
            if state.etag:
                headers["If-None-Match"] = state.etag
            if state.last_modified:
                headers["If-Modified-Since"] = state.last_modified
        return Request(
            address.request_url,
            headers=headers,
            callback=self.read_page,
            errback=self.give_up,
            cb_kwargs={"address": address},
            dont_filter=True,
        )

    async def read_page(self, response: Response, address: PageAddress) -> AsyncIterator[PageVisit]:
        """Judge a page."""
        fetched = as_fetched(response)
        is_article_link = address.url == address.link
        if not is_article_link and not (
            same_site(fetched.url, address.url) or same_site(fetched.url, address.link)
        ):
            yield PageVisit(address, Failure("out_of_scope", f"the page redirects to {fetched.url}"))
            return
        state = self.memory.state_of(address.canonical)
        try:
            visit: Visit = await self._pages.read(address, fetched, state)
        except Exception as error:
            # A page that breaks the parser is that page's problem only.
            log.exception("a page could not be read", url=address.url)
            visit = Failure("unreadable", f"{type(error).__name__}: {error}")
        yield PageVisit(address, visit)

    def give_up(self, failure: TwistedFailure) -> Iterator[PageVisit]:
        """The page could not be fetched."""
        address = failure.request.cb_kwargs["address"]  # type: ignore[attr-defined]
        yield PageVisit(address, failure_of(failure.value or RuntimeError("the request failed")))

    async def _ask(self, request: Request) -> Response:
        return await self.crawler.engine.download_async(request)
