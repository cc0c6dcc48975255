"""Chooses which of a link's pages one crawl fetches, so that a large link is worked off in parts. Pure."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import nsmallest
from itertools import count
from typing import Generic, TypeVar

Page = TypeVar("Page")

# New pages never take all: what is known is also looked at again.
_SHARE_OF_KNOWN = 5
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class PageBudget(Generic[Page]):
    """New pages are fetched as they are listed; known ones afterwards, those read longest ago first.

    So the pages that one crawl leaves out are the first of the next one.
    """

    pages: int
    """How many pages may be fetched."""
    known: int
    """How many of them are expected to be known already."""
    left_out: int = 0
    """How many listed pages are left to later crawls."""
    _spent: int = 0
    _waiting: list[tuple[datetime, int, Page]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def takes_new(self) -> bool:
        """Whether a page that was never read may be fetched now; it then counts as fetched."""
        reserved = min(self.known, self.pages // _SHARE_OF_KNOWN)
        if self._spent >= self.pages - reserved:
            self.left_out += 1
            return False
        self._spent += 1
        return True

    def put_aside(self, page: Page, read_at: datetime | None) -> None:
        """Keep a page that is known for the end."""
        self._waiting.append((read_at or _NEVER, next(self._order), page))

    def rest(self) -> list[Page]:
        """The known pages that may be fetched, in their order."""
        chosen = nsmallest(self.pages - self._spent, self._waiting)
        self.left_out += len(self._waiting) - len(chosen)
        return [page for _, _, page in chosen]
