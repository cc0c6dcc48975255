"""LinkedIn: the owner's own activity feed, read in a browser with the owner's own session.

The session is the cookie `li_at`, a secret that the owner's credentials refer to under `linkedin`. Nothing
but `/in/<name>/recent-activity/all/` of the registered link is opened; it is scrolled while there is news,
within bounds, at a person's pace.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urljoin, urlsplit

from twin_common.documents import Category
from twin_crawler.browser_requests import Cookie, PageLimits
from twin_crawler.failures import Failure
from twin_crawler.linkedin_posts import FeedPost, is_sign_in, profile_of, read_feed, share_urns
from twin_crawler.rendering import PageFailed, Renderer, ShownPage
from twin_crawler.source import File, Finding, Site, Source

_HOME = "https://www.linkedin.com/"
# LinkedIn's own scripts are some hundred files, which come at the crawl's pace.
_LIMITS = PageLimits(seconds=900, requests=2000, bytes=256 * 1024 * 1024)


@dataclass(frozen=True)
class ScrollPolicy:
    """How far and how fast the feed is scrolled."""

    scrolls: int = 60
    pause_seconds: float = 3.0
    limits: PageLimits = _LIMITS
    idle_scrolls: int = 3
    """After so many that brought nothing, the feed is at its end."""
    known_posts: int = 20
    """After so many in a row that an earlier crawl stored as they are, the rest is known too."""


def source(policy: ScrollPolicy = ScrollPolicy()) -> Source:
    """The source, scrolling by a policy."""

    async def find(site: Site) -> AsyncIterator[Finding]:
        profile, session = profile_of(site.link), site.secret("linkedin")
        if profile is None:
            yield Failure(
                "no_profile", "of LinkedIn only the owner's profile is read: register linkedin.com/in/…"
            )
            return
        if not session or site.browser is None:
            yield Failure(
                "no_credential",
                "LinkedIn shows feeds only to members: refer to your session cookie li_at under credentials, "
                "or import your data export",
            )
            return
        try:
            async for finding in _read(site, site.browser, profile, session, policy):
                yield finding
        except PageFailed as error:
            yield error.failure

    return Source(
        name="linkedin",
        claims=lambda link: profile_of(link) is not None,
        find=find,
        hosts=frozenset(("linkedin.com",)),
        category=Category.POST,
        platform="linkedin",
    )


async def _read(
    site: Site, browser: Renderer, profile: str, session: str, policy: ScrollPolicy
) -> AsyncIterator[Finding]:
    base = _HOME if SOURCE.knows_host_of(site.link) else site.link
    url = urljoin(base, f"/in/{quote(profile)}/recent-activity/all/")
    parts = urlsplit(url)
    cookie = Cookie("li_at", session, parts.hostname or "", secure=parts.scheme == "https")
    seen: dict[str, str] = {}
    shares: dict[str, str] = {}
    idle = 0
    async with browser.show(url, [cookie], policy.limits) as page:
        await page.settle()
        if is_sign_in(page.url):
            detail = "LinkedIn asks to sign in: the session cookie has run out or is held for a check"
            yield Failure("login_required", detail)
            return
        for _ in range(policy.scrolls):
            fresh = await _fresh_posts(page, profile, seen)
            shares |= share_urns(page.take_data())
            for post in fresh:
                yield _file(post, shares)
            idle = 0 if fresh else idle + 1
            known = _known_at_end(seen, shares, site)
            if idle >= policy.idle_scrolls or known >= policy.known_posts or len(seen) >= site.max_pages:
                break
            await page.scroll_to_end(policy.pause_seconds)
    if not seen:
        yield Failure("nothing_listed", "the activity feed shows no post of the owner")


async def _fresh_posts(page: ShownPage, profile: str, seen: dict[str, str]) -> list[FeedPost]:
    """Posts that were not shown before; the feed takes posts out of the page again when they are far away."""
    posts = await asyncio.to_thread(read_feed, await page.html(), profile)
    fresh = [post for post in posts if seen.get(post.urn) != post.text]
    seen.update((post.urn, post.text) for post in fresh)
    return fresh


def _known_at_end(seen: dict[str, str], shares: dict[str, str], site: Site) -> int:
    """How many of the last posts are stored as they are."""
    count = 0
    for urn, text in reversed(seen.items()):
        if site.revision_of(_address(shares.get(urn, urn))) != _revision(text):
            break
        count += 1
    return count


def _file(post: FeedPost, shares: dict[str, str]) -> File:
    return File(
        url=_address(shares.get(post.urn, post.urn)),
        title="",
        text=post.text,
        category=Category.POST,
        revision=_revision(post.text),
        published_at=post.published_at,
        metadata={"kind": "reshare"} if post.shares else {},
    )


def _address(urn: str) -> str:
    return f"https://www.linkedin.com/feed/update/{urn}"


def _revision(text: str) -> str:
    return sha256(text.encode()).hexdigest()


SOURCE = source()
