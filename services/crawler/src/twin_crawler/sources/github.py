"""GitHub: the repositories of a user or an organisation by GitHub's REST interface, or one repository.

Forks are somebody else's words and are left out; so are empty and disabled repositories.
"""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from twin_common.documents import Category
from twin_crawler.failures import NOT_MODIFIED, Failure
from twin_crawler.git.repository import RULES, Repository, follow, note_missing
from twin_crawler.source import File, Finding, Followed, Found, Site, Source, host_of

_API = "https://api.github.com"
_PAGE_SIZE = 100
_BETWEEN = "\n"
_MOST_PAGES = 50
_HOSTS = frozenset(("github.com", "www.github.com"))
_OWNER = re.compile(r"/([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/?")
_REPOSITORY = re.compile(r"/([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/([\w.-]{1,100})/?")
_LASTING = frozenset(("repository_limits", "empty_repository"))
"""What is said of a repository that is as it should be, and would be said again."""

_NO_OWNERS = frozenset(
    (
        *("about", "apps", "collections", "contact", "customer-stories", "enterprise", "events", "explore"),
        *("features", "issues", "join", "login", "marketplace", "new", "notifications", "orgs", "pricing"),
        *("pulls", "search", "security", "sessions", "settings", "site", "sponsors", "topics", "trending"),
    )
)
"""First parts of addresses that are pages of GitHub itself."""


async def _find(site: Site) -> AsyncIterator[Finding]:
    path = urlsplit(site.link).path
    if matched := _REPOSITORY.fullmatch(path):
        home = f"https://github.com/{matched[1]}/{matched[2].removesuffix('.git')}"
        async for finding in follow(site, Repository(f"{home}.git", home)):
            yield finding
        return
    async for finding in _follow_owner(site, path.strip("/")):
        yield finding


async def _follow_owner(site: Site, owner: str) -> AsyncIterator[Finding]:
    """The files of all repositories; where GitHub's list is as it was, no repository is even asked."""
    before = _Mark.parse(site.revision_of(_listing_url(owner, 1)))
    listing = await _list(site, owner, before if before.documents == len(site.known) else _Mark())
    if listing is None:
        for url in site.known:
            yield Found(url, revision=site.revision_of(url))
        return
    if isinstance(listing, Failure):
        yield listing
        return
    documents, is_whole = 0, True
    for repository in listing.repositories:
        async for finding in follow(site, repository):
            documents += isinstance(finding, File | Found)
            is_whole = is_whole and (not isinstance(finding, Failure) or finding.reason in _LASTING)
            yield finding
    listed = {repository.home for repository in listing.repositories}
    for home in sorted({_home_of(url) for url in site.known} - listed):
        is_whole = False
        for finding in note_missing(site, Repository(f"{home}.git", home), "GitHub does not list it"):
            yield finding
    # What failed is asked again, however unchanged the list is.
    mark = _Mark(documents, listing.etags if is_whole else ())
    if mark.etags or before.etags:
        yield Followed(_listing_url(owner, 1), mark.text)


@dataclass(frozen=True)
class _Mark:
    """What an owner's list looked like, page by page, and how many documents came of it."""

    documents: int = 0
    etags: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> "_Mark":
        """What `text` wrote; of another version of the rules, or of nothing, an empty mark."""
        rules, documents, *etags = (text or "").split(_BETWEEN) + [""] * 2
        known = tuple(etag for etag in etags if etag)
        return cls(int(documents), known) if rules == RULES and documents.isdecimal() else cls()

    @property
    def text(self) -> str:
        """As it is remembered; an ETag holds any sign but quotation marks and control characters."""
        return _BETWEEN.join((RULES, str(self.documents), *self.etags))


@dataclass(frozen=True)
class _Listing:
    """The repositories of an owner that hold words of their own, and the ETags of the list's pages."""

    repositories: tuple[Repository, ...]
    etags: tuple[str, ...]


async def _list(site: Site, owner: str, before: _Mark) -> _Listing | Failure | None:
    """All repositories of an owner, or why they cannot be listed; None: they are as they were."""
    if before.etags and await _is_unchanged(site, owner, before.etags):
        return None
    found: list[Repository] = []
    etags: list[str] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await site.fetch(_listing_url(owner, page))
        if isinstance(answer, Failure):
            return _refusal(answer)
        rows = _rows(answer.body)
        if rows is None:
            return Failure("listing_unreadable", "GitHub's list of repositories is not the list it should be")
        found += [_repository(row) for row in rows if _is_own(row)]
        etags.append(answer.etag or "")
        if len(rows) < _PAGE_SIZE:
            break
    return _Listing(tuple(found), tuple(etags) if all(etags) else ())


async def _is_unchanged(site: Site, owner: str, etags: Sequence[str]) -> bool:
    """Whether every page of the list is as it was; a new page would show in the last one, which had room."""
    for page, etag in enumerate(etags, 1):
        answer = await site.fetch_changed(_listing_url(owner, page), etag)
        if not isinstance(answer, Failure) or answer.reason != NOT_MODIFIED:
            return False
    return True


def _listing_url(owner: str, page: int) -> str:
    return f"{_API}/users/{quote(owner)}/repos?type=owner&sort=full_name&per_page={_PAGE_SIZE}&page={page}"


def _refusal(failure: Failure) -> Failure:
    if failure.reason in ("login_required", "http_429"):
        return Failure(
            "rate_limited", "GitHub answers only so many questions an hour; the next crawl asks again"
        )
    return failure


def _rows(body: bytes) -> list[dict[str, Any]] | None:
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


def _is_own(row: dict[str, Any]) -> bool:
    addresses = (row.get("html_url"), row.get("clone_url"))
    left_out = (row.get("fork"), row.get("disabled"), row.get("private"), row.get("size") == 0)
    return all(isinstance(address, str) for address in addresses) and not any(left_out)


def _repository(row: dict[str, Any]) -> Repository:
    return Repository(clone_url=row["clone_url"], home=row["html_url"].rstrip("/"))


def _home_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(parts.path.strip('/').split('/')[:2])}"


def _claims(link: str) -> bool:
    path = urlsplit(link).path
    if host_of(link) not in _HOSTS or path.strip("/").split("/")[0].lower() in _NO_OWNERS:
        return False
    return bool(_OWNER.fullmatch(path) or _REPOSITORY.fullmatch(path))


SOURCE = Source(
    name="github",
    claims=_claims,
    find=_find,
    hosts=frozenset(("github.com",)),
    category=Category.CODE,
    platform="github",
)
