"""GitHub's list of an owner's repositories, in the structure of its REST interface.

Fields and paging as GitHub's documentation of `GET /users/{username}/repos` gives them: `fork`, `private`,
`disabled`, `size` in kB, `html_url`, `clone_url`; pages of at most 100; 403 or 429 when asked too often.
"""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from twin_crawler.dispatcher import choose_source
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.git.repository import Repository
from twin_crawler.source import Fetched, Finding, Followed, Found, Removed, Site
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
