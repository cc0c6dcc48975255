"""A repository on a server: where its default branch stands, and its files of today without their history."""

import re
import shutil
from dataclasses import dataclass

from twin_common.errors import ForbiddenLink
from twin_common.link_guard import LinkGuard, VettedUrl, resolve
from twin_crawler.git.command import Git, GitError

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOVED = re.compile(r"error: 30[1278]\b")
_MISSING = re.compile(r"error: (?:404|410|401|403)\b|not found|could not read Username|Authentication failed")

HEAD = "refs/twin/head"

# What a fetch would leave behind as settings, such as where to fetch missing objects from, is not kept.
_PLAIN_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


@dataclass(frozen=True)
class Head:
    """Where the default branch of a repository stands."""

    commit: str
    branch: str
    """Its name; empty where the server does not say."""


class RepositoryMoved(GitError):
    """The server redirects; where to is not followed by git, but for the caller to vet."""


class RepositoryMissing(GitError):
    """The server says that there is no such repository, or shows it only to those it knows."""


def vetted_options(guard: LinkGuard, url: str) -> tuple[tuple[str, ...], str]:
    """The git settings by which it connects to vetted addresses only, and the protocols it may speak.

    The name is resolved once, here; libcurl is told the answer and asks nobody.

    Raises:
        ForbiddenLink: the guard refuses the link or an address of its host; http is for trusted endpoints.
        OSError: the name does not resolve.
    """
    vetted = guard.vet_url(url)
    if url.startswith("http:") and not vetted.trusted:
        raise ForbiddenLink(url, "scheme", "git speaks only https to servers that nobody vouches for")
    addresses = resolve(vetted.host, vetted.port)
    if not vetted.trusted:
        addresses = [str(address) for address in guard.vet_addresses(url, addresses)]
    return (f"http.curloptResolve={_resolution(vetted, addresses)}",), url.split(":", 1)[0]


def _resolution(vetted: VettedUrl, addresses: list[str]) -> str:
    shown = [f"[{address}]" if ":" in address else address for address in addresses]
    host = f"[{vetted.host}]" if ":" in vetted.host else vetted.host
    return f"{host}:{vetted.port}:{','.join(shown)}"


def read_head(git: Git, url: str) -> Head | None:
    """Where the default branch stands; None for a repository without a commit.

    Raises:
        GitError: the server does not say, or says nonsense.
    """
    lines = _asking(git, "ls-remote", "--symref", "--", url, "HEAD").decode("utf-8", "replace").splitlines()
    branch, commit = "", ""
    for line in lines[:10]:
        value, _, name = line.partition("\t")
        if name != "HEAD":
            continue
        if value.startswith("ref: refs/heads/"):
            branch = value.removeprefix("ref: refs/heads/")
        elif _COMMIT.fullmatch(value):
            commit = value
    return Head(commit, branch) if commit else None


def fetch(git: Git, url: str, commit: str, most_blob_bytes: int) -> None:
    """Fetch the files of a commit that are not too large into an empty repository of `git`.

    A server that knows no filter sends larger files too; the limit of `git` still holds.

    Raises:
        GitError: the server sends something else.
        GitLimitReached: it sends too much, or too slowly.
    """
    shutil.rmtree(git.repository, ignore_errors=True)
    git.run("init", "--quiet", "--bare", "--template=", str(git.repository))
    _asking(
        git,
        f"--git-dir={git.repository}",
        "fetch",
        *("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
        *("--no-recurse-submodules", "--no-show-forced-updates", f"--filter=blob:limit={most_blob_bytes}"),
        *("--", url, f"+{commit}:{HEAD}"),
    )
    (git.repository / "config").write_text(_PLAIN_CONFIG)


def _asking(git: Git, *arguments: str) -> bytes:
    """Run a command that speaks to the server, and name what it says no with."""
    try:
        return git.run(*arguments)
    except GitError as error:
        if _MOVED.search(str(error)):
            raise RepositoryMoved(str(error)) from error
        if _MISSING.search(str(error)):
            raise RepositoryMissing(str(error)) from error
        raise
