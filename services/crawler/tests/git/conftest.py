"""What the tests of repositories share: a git server, and a site that remembers what was found."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.git.repository import Repository, RepositoryLimits, follow
from twin_crawler.source import Fetched, File, Finding, Followed, Found, Removed, Site
from twin_crawler.testing.git_server import GitServer, create_repository, serve_repositories


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A git server without repositories."""
    with serve_repositories(tmp_path / "repositories") as running:
        yield running


LIMITS = RepositoryLimits()


@pytest.fixture
def repository(server: GitServer) -> Path:
    """An empty repository of the server, `ada/notes.git`."""
    return create_repository(server.folder / "ada" / "notes.git")


class Follower:
    """Follows a repository again and again and remembers what a crawl would."""

    def __init__(self, server: GitServer, name: str = "ada/notes") -> None:
        self.repository = Repository(f"{server.url}/{name}.git", f"https://git.example.org/{name}")
        self.guard = LinkGuard(LinkPolicy(trusted_endpoints=frozenset((server.endpoint,))))
        self.revisions: dict[str, str] = {}
        self.documents: dict[str, File] = {}
        self.failures: list[Failure] = []
        self.redirects: dict[str, str] = {}

    async def follow(self, limits: RepositoryLimits = LIMITS) -> list[Finding]:
        """What one crawl finds; addresses that it finds unchanged are `Found`."""
        site = Site(
            link=self.repository.home,
            fetch=self._fetch,
            known=tuple(self.documents),
            max_pages=10,
            max_bytes=10,
            revision_of=self.revisions.get,
            guard=self.guard,
        )
        findings = [finding async for finding in follow(site, self.repository, limits)]
        self.failures = [finding for finding in findings if isinstance(finding, Failure)]
        for finding in findings:
            match finding:
                case File():
                    self.documents[finding.url] = finding
                    self.revisions[finding.url] = finding.revision
                case Removed():
                    del self.documents[finding.url], self.revisions[finding.url]
                case Followed():
                    self.revisions[finding.url] = finding.revision
                case Found():
                    assert finding.revision == self.revisions[finding.url]
        return findings

    @property
    def paths(self) -> dict[str, str]:
        """The text of every document, by its path."""
        return {file.metadata["path"]: file.text for file in self.documents.values()}

    @property
    def reasons(self) -> list[str]:
        return [failure.reason for failure in self.failures]

    async def _fetch(self, url: str) -> Fetched | Failure:
        return Fetched(self.redirects[url], 200, b"") if url in self.redirects else failure_of_status(404)


@pytest.fixture
def follower(server: GitServer) -> Follower:
    return Follower(server)
