"""One repository of any git host: a link that ends in `.git`, or a repository's page on a host known here."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

from twin_common.documents import Category
from twin_crawler.git.repository import Repository, follow
from twin_crawler.source import Finding, Site, Source, host_of

_HOSTS = frozenset(("bitbucket.org", "codeberg.org", "git.sr.ht", "gitlab.com"))


async def _find(site: Site) -> AsyncIterator[Finding]:
    page = urlunsplit(urlsplit(site.link)._replace(query="", fragment="")).rstrip("/")
    home = page.removesuffix(".git")
    clone_url = page if page.endswith(".git") or host_of(page) == "git.sr.ht" else f"{page}.git"
    async for finding in follow(site, Repository(clone_url, home)):
        yield finding


def _claims(link: str) -> bool:
    parts = urlsplit(link).path.strip("/").split("/")
    if parts[-1].endswith(".git") and parts[-1] != ".git":
        return True
    return host_of(link) in _HOSTS and len(parts) == 2


SOURCE = Source(name="git", claims=_claims, find=_find, category=Category.CODE, platform="git")
