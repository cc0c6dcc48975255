"""GitHub's list of an owner's repositories, in the structure of its REST interface.

Fields and paging as GitHub's documentation of `GET /users/{username}/repos` gives them: `fork`, `private`,
`disabled`, `size` in kB, `html_url`, `clone_url`; pages of at most 100; 403 or 429 when asked too often.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from twin_common.documents import Category
from twin_crawler.dispatcher import choose_source
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.git.repository import Repository
from twin_crawler.source import Fetched, File, Finding, Followed, Found, Removed, Site
from twin_crawler.sources import github

LINK = "https://github.com/ada"


def row(name: str, **fields: Any) -> dict[str, Any]:
    home = f"https://github.com/ada/{name}"
    return {
        "id": 1,
        "name": name,
        "full_name": f"ada/{name}",
        "private": False,
        "fork": False,
        "archived": False,
        "disabled": False,
        "size": 12,
        "default_branch": "main",
        "pushed_at": "2024-05-06T09:00:00Z",
        "html_url": home,
        "clone_url": f"{home}.git",
    } | fields


async def find(
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]] | Failure | bytes,
    known: tuple[str, ...] = (),
    revisions: dict[str, str] | None = None,
) -> tuple[list[Finding], list[str]]:
    asked: list[str] = []

    async def fetch(url: str) -> Fetched | Failure:
        asked.append(url)
        if not isinstance(rows, list):
            return rows if isinstance(rows, Failure) else Fetched(url, 200, rows)
        page = int(parse_qs(urlsplit(url).query)["page"][0])
        return Fetched(url, 200, json.dumps(rows[100 * (page - 1) : 100 * page]).encode())

    async def follow(site: Site, repository: Repository) -> AsyncIterator[Finding]:
        yield Found(repository.home)

    monkeypatch.setattr(github, "follow", follow)
    site = Site(LINK, fetch, known, 10, 10, revision_of=(revisions or {}).get)
    return [finding async for finding in github.SOURCE.find(site)], asked


class TestFind:
    async def test_every_repository_of_the_owners_own_over_all_pages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [row(f"r{number}") for number in range(230)]
        rows[3] |= {"fork": True}
        rows[4] |= {"size": 0}
        rows[5] |= {"disabled": True}
        found, asked = await find(monkeypatch, rows)
        assert len(found) == 227
        assert len(asked) == 3
        assert asked[0].startswith("https://api.github.com/users/ada/repos?")

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (failure_of_status(403), "rate_limited"),
            (failure_of_status(429), "rate_limited"),
            (failure_of_status(404), "http_404"),
            (b"<html>", "listing_unreadable"),
            (b'{"message": "no"}', "listing_unreadable"),
        ],
    )
    async def test_a_list_that_cannot_be_had_removes_nothing(
        self, monkeypatch: pytest.MonkeyPatch, answer: Failure | bytes, reason: str
    ) -> None:
        found, _ = await find(monkeypatch, answer, known=("https://github.com/ada/r/blob/HEAD/a.py",))
        assert [finding.reason for finding in found if isinstance(finding, Failure)] == [reason]
        assert len(found) == 1

    async def test_a_repository_unlisted_twice_loses_its_documents(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = "https://github.com/ada/old"
        known = (f"{home}/blob/HEAD/a.py", f"{home}/blob/HEAD/b.py", "https://github.com/ada/new/blob/HEAD/c")
        first, _ = await find(monkeypatch, [row("new")], known, {home: "1 abc 2"})
        assert Followed(home, "missing") in first
        assert not any(isinstance(finding, Removed) for finding in first)
        second, _ = await find(monkeypatch, [row("new")], known, {home: "missing"})
        assert [finding.url for finding in second if isinstance(finding, Removed)] == list(known[:2])

    async def test_a_row_without_addresses_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found, _ = await find(monkeypatch, [row("a", clone_url=None), row("b")])
        assert len(found) == 1


@dataclass
class Owner:
    """GitHub's list with its ETags, and a crawler that remembers what the source hands over.

    As GitHub's documentation of conditional requests has it: an `ETag` on each page, 304 without a body while
    the page is the same.
    """

    rows: list[dict[str, Any]]
    monkeypatch: pytest.MonkeyPatch
    failing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    etags: bool = True

    def answer(self, url: str) -> Fetched:
        page = int(parse_qs(urlsplit(url).query)["page"][0])
        body = json.dumps(self.rows[100 * (page - 1) : 100 * page]).encode()
        etag = f'W/"{sha256(body).hexdigest()}"' if self.etags else None
        return Fetched(url, 200, body, etag=etag)

    async def fetch(self, url: str) -> Fetched | Failure:
        self.asked.append("list")
        return self.answer(url)

    async def fetch_changed(self, url: str, etag: str) -> Fetched | Failure:
        self.asked.append("if changed")
        answer = self.answer(url)
        return failure_of_status(304) if answer.etag == etag else answer

    async def follow(self, site: Site, repository: Repository) -> AsyncIterator[Finding]:
        self.asked.append(repository.name)
        if repository.name in self.failing:
            yield Failure("git_failed", "the server hung up")
            return
        url = f"{repository.home}/blob/HEAD/a.py"
        if url in self.known:
            yield Found(url, revision=self.known[url])
        else:
            yield File(url, "a.py", "x = 1", Category.CODE, "1 abc")
        yield Followed(repository.home, "1 abc 1")

    async def crawl(self) -> list[Finding]:
        """One crawl; what it asks for is in `asked`."""
        self.asked.clear()
        self.monkeypatch.setattr(github, "follow", self.follow)
        remembered = self.known | self.places
        site = Site(
            LINK,
            self.fetch,
            tuple(self.known),
            10,
            10,
            revision_of=remembered.get,
            fetch_changed=self.fetch_changed,
        )
        findings = [finding async for finding in github.SOURCE.find(site)]
        self.known |= {finding.url: finding.revision for finding in findings if isinstance(finding, File)}
        self.places |= {
            finding.url: finding.revision for finding in findings if isinstance(finding, Followed)
        }
        return findings


class TestUnchangedList:
    @pytest.fixture
    def owner(self, monkeypatch: pytest.MonkeyPatch) -> Owner:
        return Owner([row("a"), row("b")], monkeypatch)

    async def test_it_costs_one_question_and_no_repository_is_asked(self, owner: Owner) -> None:
        await owner.crawl()
        assert owner.asked == ["list", "ada/a", "ada/b"]
        findings = await owner.crawl()
        assert owner.asked == ["if changed"]
        assert findings == [Found(url, revision="1 abc") for url in owner.known]

    async def test_a_push_shows_in_the_list_and_every_repository_is_asked_again(self, owner: Owner) -> None:
        await owner.crawl()
        owner.rows[1] |= {"pushed_at": "2024-05-07T09:00:00Z"}
        await owner.crawl()
        assert owner.asked == ["if changed", "list", "ada/a", "ada/b"]

    async def test_every_page_of_a_long_list_is_asked_about(self, owner: Owner) -> None:
        owner.rows = [row(f"r{number:03}") for number in range(150)]
        await owner.crawl()
        await owner.crawl()
        assert owner.asked == ["if changed"] * 2
        owner.rows[-1] |= {"pushed_at": "2024-05-07T09:00:00Z"}
        await owner.crawl()
        assert owner.asked[:4] == ["if changed", "if changed", "list", "list"]

    async def test_a_repository_that_failed_is_asked_again(self, owner: Owner) -> None:
        owner.failing = {"ada/b"}
        await owner.crawl()
        owner.failing = set()
        await owner.crawl()
        assert owner.asked == ["list", "ada/a", "ada/b"]
        await owner.crawl()
        assert owner.asked == ["if changed"]

    async def test_a_document_that_was_lost_is_read_again(self, owner: Owner) -> None:
        await owner.crawl()
        owner.known.popitem()
        await owner.crawl()
        assert owner.asked == ["list", "ada/a", "ada/b"]

    async def test_without_etags_the_list_is_read_every_time(self, owner: Owner) -> None:
        owner.etags = False
        await owner.crawl()
        await owner.crawl()
        assert owner.asked == ["list", "ada/a", "ada/b"]

    @pytest.mark.parametrize("mark", ["", "missing", '0\n2\n"e"', '1\nx\n"e"', "1"])
    async def test_a_mark_of_other_rules_or_none_is_not_believed(self, owner: Owner, mark: str) -> None:
        await owner.crawl()
        owner.places = dict.fromkeys(owner.places, mark)
        await owner.crawl()
        assert owner.asked[0] == "list"


class TestLinks:
    @pytest.mark.parametrize(
        ("link", "name"),
        [
            ("https://github.com/ada", "github"),
            ("https://github.com/ada/", "github"),
            ("https://github.com/ada/notes", "github"),
            ("https://github.com/ada/notes.git", "github"),
            ("https://github.com/ada/notes/blob/main/a.py", "article"),
            ("https://github.com/features", "article"),
            ("https://gist.github.com/ada", "article"),
            ("https://github.com.evil.example/ada", "article"),
            ("https://gitlab.com/ada/notes", "git"),
            ("https://codeberg.org/ada/notes", "git"),
            ("https://git.sr.ht/~ada/notes", "git"),
            ("https://git.example.org/a/b/notes.git", "git"),
            ("https://git.example.org/a/notes", "article"),
        ],
    )
    def test_owners_and_repositories(self, link: str, name: str) -> None:
        assert choose_source(link).name == name
