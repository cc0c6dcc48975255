"""Lists the files of a fetched commit and reads them, from the object store alone."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from twin_crawler.git.command import Git, GitError
from twin_crawler.git.remote import HEAD

_ENTRY = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]{40,64}) +(\d+|-|BAD)\t(.+)", re.DOTALL)
_FILE_MODES = frozenset((b"100644", b"100755", b"100664"))
_MOST_LISTING_BYTES = 32 * 1024**2
"""About 300,000 files."""

_CHUNK = 64
"""How many blobs are asked for before their answers are read: the question fits into a pipe."""


@dataclass(frozen=True)
class TreeFile:
    """A regular file of a commit."""

    path: bytes
    """As the repository has it: any bytes but NUL, apart by slashes."""
    blob: str
    size: int | None
    """Bytes; None for a file that was too large to be fetched."""


def list_files(git: Git) -> Iterator[TreeFile]:
    """The regular files of the fetched commit; symbolic links and submodules are none.

    Names that could mean another place are left out: empty parts, `.`, `..` and `.git`.

    Raises:
        GitError: the tree is broken.
        GitLimitReached: the listing is endless, as that of trees that hold each other many times over.
    """
    command = (f"--git-dir={git.repository}", "ls-tree", "-r", "-l", "-z", "--full-tree", HEAD)
    listing = git.run(*command, most_output_bytes=_MOST_LISTING_BYTES)
    for line in listing.split(b"\0"):
        if (entry := _ENTRY.fullmatch(line)) is None:
            continue
        mode, kind, blob, size, path = entry.groups()
        if mode in _FILE_MODES and kind == b"blob" and _is_plain(path):
            yield TreeFile(path, blob.decode(), int(size) if size.isdigit() else None)


def _is_plain(path: bytes) -> bool:
    parts = path.split(b"/")
    return not any(part in (b"", b".", b"..") or part.lower() == b".git" for part in parts)


def read_files(git: Git, files: Sequence[TreeFile]) -> Iterator[tuple[TreeFile, bytes]]:
    """The contents of files whose size is known, in order.

    Raises:
        GitError: the object store does not hold what its listing says.
    """
    with git.reading(f"--git-dir={git.repository}", "cat-file", "--batch") as process:
        if process.stdin is None or process.stdout is None:
            raise GitError("git has no pipes")
        for start in range(0, len(files), _CHUNK):
            chunk = files[start : start + _CHUNK]
            process.stdin.write(b"".join(f"{file.blob}\n".encode() for file in chunk))
            process.stdin.flush()
            for file in chunk:
                yield file, _read_one(process.stdout, file)


def _read_one(answers: IO[bytes], file: TreeFile) -> bytes:
    header = answers.readline(200).split()
    if len(header) != 3 or header[1] != b"blob" or header[0].decode() != file.blob:
        raise GitError(f"the object {file.blob} cannot be read")
    size = int(header[2])
    if size != file.size:
        raise GitError(f"the object {file.blob} is not as large as its listing says")
    content = answers.read(size + 1)
    if len(content) != size + 1:
        raise GitError(f"the object {file.blob} ends too early")
    return content[:-1]
