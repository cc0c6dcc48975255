"""Follows a repository: what is new on its default branch since the last crawl, file by file."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from twin_common.documents import Category
from twin_common.errors import ForbiddenLink
from twin_crawler.failures import Failure
from twin_crawler.git.code_files import HandWritten, judge_name, read_prose, read_text
from twin_crawler.git.command import Git, GitError, GitLimitReached, is_installed, scratch_folder
from twin_crawler.git.remote import (
    Head,
    RepositoryMissing,
    RepositoryMoved,
    fetch,
    read_head,
    vetted_options,
)
from twin_crawler.git.tree import TreeFile, list_files, read_files
from twin_crawler.source import File, Finding, Followed, Found, Removed, Site, host_of

RULES = "1"
"""Grows when `code_files` would choose or read otherwise: repositories are then read anew."""

_INFO = "/info/refs?service=git-upload-pack"
_LONGEST_PATH = 1024
_BATCH = 50
_FILE_PAGES = {
    "bitbucket.org": "{home}/src/HEAD/{path}",
    "codeberg.org": "{home}/src/branch/{branch}/{path}",
    "git.sr.ht": "{home}/tree/HEAD/item/{path}",
    "gitlab.com": "{home}/-/blob/HEAD/{path}",
}
_ANY_FILE_PAGE = "{home}/blob/HEAD/{path}"


@dataclass(frozen=True)
class RepositoryLimits:
    """What is taken of one repository; what lies beyond is left out, and the report says so."""

    pack_bytes: int = 256 * 1024**2
    """Of everything that is fetched, compressed."""
    blob_bytes: int = 512 * 1024
    """Of one file."""
    small_blob_bytes: int = 16 * 1024
    """Of one file, where all files up to `blob_bytes` are more than `pack_bytes`."""
    text_bytes: int = 64 * 1024**2
    """Of all files that are read."""
    files: int = 5000
    seconds: float = 240.0
    """For one git command."""


@dataclass(frozen=True)
class Repository:
    """A repository and its addresses."""

    clone_url: str
    home: str
    """Its page, without a final slash; the addresses of its files lie below."""

    @property
    def name(self) -> str:
        return urlsplit(self.home).path.strip("/")

    def file_url(self, path: bytes, branch: str) -> str:
        """Where a reader finds a file; the same for every commit."""
        page = _FILE_PAGES.get(host_of(self.home), _ANY_FILE_PAGE)
        return page.format(home=self.home, path=quote(path), branch=quote(branch or "HEAD"))

    def own(self, urls: Iterable[str]) -> list[str]:
        """Those addresses that lie in this repository."""
        return [url for url in urls if url.startswith(self.home + "/")]


async def follow(
    site: Site, repository: Repository, limits: RepositoryLimits = RepositoryLimits()
) -> AsyncIterator[Finding]:
    """What changed in a repository; nothing is fetched where its default branch has not moved."""
    if not is_installed():
        yield Failure("no_git", "this machine has no git command; install git and crawl again")
        return
    with scratch_folder() as folder:
        try:
            reached = await _reach(site, repository.clone_url, folder, limits)
            if reached is None:
                yield Failure("empty_repository", "the repository has no commit")
                return
            async for finding in _follow_head(site, repository, limits, reached):
                yield finding
        except RepositoryMissing as error:
            for finding in note_missing(site, repository, str(error)):
                yield finding
        except ForbiddenLink as error:
            yield Failure(f"forbidden_{error.reason}", str(error))
        except GitLimitReached as error:
            yield Failure("repository_too_large", f"{repository.name} was left out: {error}")
        except GitError as error:
            yield Failure("git_failed", f"{repository.name}: {error}")
        except OSError as error:
            yield Failure("dns", f"the host's name does not resolve: {error}")


def note_missing(site: Site, repository: Repository, why: str) -> list[Finding]:
    """What a missing repository means: noted the first time, its documents go the second time in a row."""
    before = site.revision_of(repository.home) or ""
    noted = Followed(repository.home, "missing")
    if before == "missing":
        return [*(Removed(url) for url in repository.own(site.known)), noted]
    return [Failure("repository_missing", f"{repository.name} is not there: {why}"), noted]


@dataclass(frozen=True)
class _Reached:
    """A repository whose server answered: how to ask it, and where its default branch stands."""

    git: Git
    url: str
    head: Head


async def _reach(site: Site, url: str, folder: Path, limits: RepositoryLimits) -> _Reached | None:
    """Ask where the default branch stands; one redirect is followed, through the crawler's own guard."""
    try:
        return await _ask(site, url, folder, limits)
    except RepositoryMoved:
        answer = await site.fetch(url.rstrip("/") + _INFO)
        if isinstance(answer, Failure) or not answer.url.endswith(_INFO):
            raise
        return await _ask(site, answer.url.removesuffix(_INFO), folder, limits)


async def _ask(site: Site, url: str, folder: Path, limits: RepositoryLimits) -> _Reached | None:
    options, protocol = await asyncio.to_thread(vetted_options, site.guard, url)
    agent = f"http.userAgent={site.user_agent}"
    git = Git(folder, limits.pack_bytes, limits.seconds, (*options, agent), protocol)
    head = await asyncio.to_thread(read_head, git, url)
    return _Reached(git, url, head) if head is not None else None


async def _follow_head(
    site: Site, repository: Repository, limits: RepositoryLimits, reached: _Reached
) -> AsyncIterator[Finding]:
    git, head = reached.git, reached.head
    known = repository.own(site.known)
    if site.revision_of(repository.home) == _mark(head, len(known)):
        for address in known:
            yield Found(address, revision=site.revision_of(address))
        return
    await asyncio.to_thread(_fetch, reached, limits)
    chosen = choose_files(await asyncio.to_thread(lambda: list(list_files(git))), limits)
    addresses = {file.path: repository.file_url(file.path, head.branch) for file, _ in chosen.files}
    kept = 0
    changed: list[tuple[TreeFile, HandWritten]] = []
    for file, kind in chosen.files:
        address = addresses[file.path]
        if site.revision_of(address) == _revision(file):
            kept += address in known
            yield Found(address, revision=_revision(file))
        else:
            changed.append((file, kind))
    gone = set(known) - set(addresses.values())
    gone -= {repository.file_url(path, head.branch) for path in chosen.left_out}
    for start in range(0, len(changed), _BATCH):
        batch = changed[start : start + _BATCH]
        contents = await asyncio.to_thread(lambda files: list(read_files(git, files)), [f for f, _ in batch])
        for (file, kind), (_, content) in zip(batch, contents, strict=True):
            document = _document(repository, head, file, kind, content)
            if document is not None:
                kept += 1
                yield document
            elif addresses[file.path] in known:
                gone.add(addresses[file.path])
    for address in sorted(gone):
        yield Removed(address)
    if chosen.left_out:
        yield Failure("repository_limits", chosen.says(repository.name, limits))
    yield Followed(repository.home, _mark(head, kept))


def _fetch(reached: _Reached, limits: RepositoryLimits) -> None:
    """Fetch what fits; of a repository that is too large only its small files."""
    try:
        fetch(reached.git, reached.url, reached.head.commit, limits.blob_bytes)
    except GitLimitReached:
        fetch(reached.git, reached.url, reached.head.commit, limits.small_blob_bytes)


@dataclass(frozen=True)
class Chosen:
    """The files of a commit that are read, and those that only the limits keep out."""

    files: list[tuple[TreeFile, HandWritten]]
    left_out: list[bytes]

    def says(self, name: str, limits: RepositoryLimits) -> str:
        """The limits and what they cost, as a sentence."""
        return (
            f"{name}: {len(self.left_out)} files were left out; of a repository at most {limits.files} files "
            f"and {limits.text_bytes // 1024**2} MiB are read, of a file {limits.blob_bytes // 1024} KiB"
        )


def choose_files(files: Iterable[TreeFile], limits: RepositoryLimits) -> Chosen:
    """The hand-written files within the limits: documents first, then what lies near the root."""
    hand_written: list[tuple[TreeFile, HandWritten]] = []
    left_out: list[bytes] = []
    for file in files:
        kind = judge_name(file.path.decode("utf-8", "replace"))
        if kind is None or len(file.path) > _LONGEST_PATH:
            continue
        if file.size is None or file.size > limits.blob_bytes:
            left_out.append(file.path)
        else:
            hand_written.append((file, kind))
    hand_written.sort(
        key=lambda pair: (pair[1].category is Category.CODE, pair[0].path.count(b"/"), pair[0].path)
    )
    chosen: list[tuple[TreeFile, HandWritten]] = []
    total = 0
    for file, kind in hand_written:
        total += file.size or 0
        if len(chosen) < limits.files and total <= limits.text_bytes:
            chosen.append((file, kind))
        else:
            left_out.append(file.path)
    return Chosen(chosen, left_out)


def _document(
    repository: Repository, head: Head, file: TreeFile, kind: HandWritten, content: bytes
) -> File | None:
    is_code = kind.category is Category.CODE
    text = read_text(content, kind.language) if is_code else read_prose(content)
    if text is None:
        return None
    path = file.path.decode("utf-8", "replace")
    metadata = {"repository": repository.name, "path": path, "commit": head.commit}
    if kind.language:
        metadata["language"] = kind.language
    title = path if is_code else _heading(text) or f"{repository.name}: {path}"
    url = repository.file_url(file.path, head.branch)
    return File(url, title, text, kind.category, _revision(file), metadata=metadata)


def _heading(text: str) -> str:
    """The first heading of Markdown or reStructuredText, where the text begins with one."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines()[:20] if line.strip()]
    if lines and lines[0].startswith("# "):
        return lines[0][2:].strip()[:200]
    is_underlined = len(lines) > 1 and len(set(lines[1])) == 1 and lines[1][0] in "=-~#*"
    return lines[0][:200] if is_underlined else ""


def _revision(file: TreeFile) -> str:
    return f"{RULES} {file.blob}"


def _mark(head: Head, documents: int) -> str:
    """How far a repository was followed, and how many documents it gave: a lost one is read again."""
    return f"{RULES} {head.commit} {documents}"
