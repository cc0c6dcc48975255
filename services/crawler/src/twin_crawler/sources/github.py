"""GitHub: the repositories of a user or an organisation by GitHub's REST interface, or one repository.

Forks are somebody else's words and are left out; so are empty and disabled repositories.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

from twin_common.documents import Category
from twin_crawler.failures import Failure
from twin_crawler.git.repository import Repository, follow, note_missing
from twin_crawler.source import Finding, Site, Source, host_of

_API = "https://api.github.com"
_PAGE_SIZE = 100
_MOST_PAGES = 50
_HOSTS = frozenset(("github.com", "www.github.com"))
_OWNER = re.compile(r"/([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/?")
_REPOSITORY = re.compile(r"/([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/([\w.-]{1,100})/?")
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
    owner = path.strip("/")
    repositories = await _list(site, owner)
    if isinstance(repositories, Failure):
        yield repositories
        return
    for repository in repositories:
        async for finding in follow(site, repository):
            yield finding
    listed = {repository.home for repository in repositories}
    for home in sorted({_home_of(url) for url in site.known} - listed):
        for finding in note_missing(site, Repository(f"{home}.git", home), "GitHub does not list it"):
            yield finding


async def _list(site: Site, owner: str) -> list[Repository] | Failure:
    """All repositories of an owner that hold words of their own, or why they cannot be listed."""
    found: list[Repository] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await site.fetch(
            f"{_API}/users/{quote(owner)}/repos?type=owner&sort=full_name&per_page={_PAGE_SIZE}&page={page}"
        )
        if isinstance(answer, Failure):
            return _refusal(answer)
        rows = _rows(answer.body)
        if rows is None:
            return Failure("listing_unreadable", "GitHub's list of repositories is not the list it should be")
        found += [_repository(row) for row in rows if _is_own(row)]
        if len(rows) < _PAGE_SIZE:
            break
    return found


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
