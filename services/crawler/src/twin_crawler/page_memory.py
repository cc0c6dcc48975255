"""What a crawl knows of an author's pages: their states, their documents, and which page holds which."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from twin_common.identity import AuthorId
from twin_common.warehouse import PageState, Warehouse


class PageMemory:
    """The remembered pages of one author, kept up to date while a crawl goes on."""

    def __init__(
        self,
        states: Mapping[str, PageState],
        document_urls: Mapping[str, str],
        owner: tuple[str, ...] = (),
    ) -> None:
        self.owner = owner
        """The names under which the author writes."""
        self._document_urls = document_urls
        self._states = {url: self._without_lost_validators(state) for url, state in states.items()}
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._listed: set[str] = set()
        for state in self._states.values():
            self._hold(state)

    @classmethod
    async def load(cls, warehouse: Warehouse, author_id: AuthorId) -> "PageMemory":
        """Read an author's names and page states, and the address of each document that is stored."""
        author = await warehouse.authors.get(author_id)
        states, urls = await warehouse.crawls.pages(author_id), await warehouse.documents.urls(author_id)
        return cls(states, urls, (author.name, *author.aliases))

    def state_of(self, canonical: str) -> PageState | None:
        return self._states.get(canonical)

    def found_through(self, link: str) -> tuple[str, ...]:
        """The addresses of the stored documents that a registered link gave before."""
        return tuple(
            self._document_urls[state.document_id]
            for state in self._states.values()
            if state.source_url == link and state.document_id and state.document_id in self._document_urls
        )

    def list_once(self, canonical: str) -> bool:
        """Note that a source lists a page in this crawl. False: it was listed before."""
        if canonical in self._listed:
            return False
        self._listed.add(canonical)
        return True

    def is_listed(self, canonical: str) -> bool:
        """Whether a source listed the page in this crawl."""
        return canonical in self._listed

    def is_held_elsewhere(self, document_id: str, page: str) -> bool:
        """Whether another live page gives the same document."""
        return bool(self._holders[document_id] - {page})

    def update(self, states: Iterable[PageState]) -> None:
        """Take in what was just saved."""
        for state in states:
            before = self._states.get(state.url)
            if before is not None and before.document_id:
                self._holders[before.document_id].discard(state.url)
            self._states[state.url] = state
            self._hold(state)

    def _hold(self, state: PageState) -> None:
        if state.document_id:
            self._holders[state.document_id].add(state.url)

    def _without_lost_validators(self, state: PageState) -> PageState:
        """Without its document a page must be read anew, however unchanged the server says it is."""
        if state.document_id is None or state.document_id in self._document_urls:
            return state
        lost = ("etag", "last_modified", "content_digest", "revision")
        return state.model_copy(update=dict.fromkeys(lost))
