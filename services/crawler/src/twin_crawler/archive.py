"""What an archive format is: one way to read the documents out of an account's export."""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from twin_common.documents import DocumentDraft
from twin_common.errors import TwinError
from twin_common.identity import AuthorId
from twin_crawler import archives
from twin_crawler.archive_files import ArchiveFiles


class UnusableArchive(TwinError):
    """Nothing of the archive can be read in the format that was named."""


@dataclass(frozen=True)
class BadEntry:
    """A row or a member that gives no document: where it stands in the archive, and why."""

    place: str
    reason: str


@dataclass(frozen=True)
class LeftOut:
    """An entry that is no document of the owner on purpose; the reason is counted."""

    reason: str


Entry = DocumentDraft | BadEntry | LeftOut


@dataclass(frozen=True)
class Owner:
    """Whose archive it is."""

    author_id: AuthorId
    site: str | None = None
    """Where the owner publishes, for exports that hold no addresses."""


@dataclass(frozen=True)
class ArchiveFormat:
    """One product's export."""

    name: str
    members: Callable[[ArchiveFiles], list[str]]
    """What it reads of the archive, twice what it reads twice; nothing: this is another product's."""
    read: Callable[[ArchiveFiles, Owner], Iterator[Entry]]
    """Every entry, streamed; bad ones are told apart and never end the reading."""


@cache
def all_formats() -> dict[str, ArchiveFormat]:
    """Every format that a file of `archives/` defines, by name."""
    modules = sorted(module.name for module in pkgutil.iter_modules(archives.__path__))
    formats = [import_module(f"{archives.__name__}.{name}").FORMAT for name in modules]
    return {format_.name: format_ for format_ in formats}


def choose_format(name: str, files: ArchiveFiles) -> ArchiveFormat:
    """The named format, if the archive is one.

    Raises:
        UnusableArchive: the format is not known, or the archive is another product's.
    """
    formats = all_formats()
    if name not in formats:
        raise UnusableArchive(f"the format {name!r} is not known; use --format {'|'.join(formats)}")
    if formats[name].members(files):
        return formats[name]
    others = [other.name for other in formats.values() if other.members(files)]
    hint = f"it looks like --format {others[0]}" if others else f"it holds {files.summary()}"
    raise UnusableArchive(f"{files.name} is no {name} archive: {hint}")
