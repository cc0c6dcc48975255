"""Decides what a fetched page means for its document. Pure: no fetching, no storing."""

from dataclasses import dataclass
from hashlib import sha256

from twin_common.documents import Category, DocumentDraft, Timestamp
from twin_common.identity import AuthorId, canonical_url, document_id
from twin_common.warehouse import PageState
from twin_crawler.authorship import decide_authorship
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.languages import decide_language
from twin_crawler.link_shapes import is_login
from twin_crawler.listing_dates import is_current_by_date
from twin_crawler.source import Fetched, File, Found, Read, ReadPage, read_html

GONE_STATUSES = frozenset((404, 410))
_RUNS_UNTIL_DELETED = 2


@dataclass(frozen=True)
class PageAddress:
    """A page that a source found."""

    author_id: AuthorId
    found: Found
    link: str
    """The registered link through which it was found."""
    category: Category
    platform: str
    owner: tuple[str, ...] = ()
    """The names of the owner."""
    read: Read = read_html

    @property
    def url(self) -> str:
        """As it was listed."""
        return self.found.url

    @property
    def request_url(self) -> str:
        """What is fetched."""
        return self.found.request_url or self.found.url

    @property
    def canonical(self) -> str:
        """Under which the page's state is kept."""
        return canonical_url(self.url)


@dataclass(frozen=True)
class Written:
    """The page has a text; whether it is new or changed is for the warehouse to say."""

    state: PageState
    draft: DocumentDraft


@dataclass(frozen=True)
class Unchanged:
    """The page is as it was, by the server's word or by its bytes."""

    state: PageState


@dataclass(frozen=True)
class Gone:
    """The server says that the page is gone; `state.gone_count` says how often in a row."""

    state: PageState

    @property
    def for_good(self) -> bool:
        return self.state.gone_count >= _RUNS_UNTIL_DELETED


@dataclass(frozen=True)
class Noted:
    """Something to remember of a place that is no document."""

    state: PageState


Visit = Written | Unchanged | Gone | Noted | Failure


def accept(address: PageAddress, file: File, state: PageState | None, now: Timestamp) -> Written:
    """A document that its source handed over."""
    is_prose = file.category is not Category.CODE
    draft = DocumentDraft.at(
        address.author_id,
        file.url,
        category=file.category,
        platform=address.platform,
        title=file.title,
        text=file.text,
        language=decide_language(file.text, file.language) if is_prose else file.language,
        published_at=file.published_at,
        author_name=address.owner[0] if address.owner else None,
        metadata=dict(file.metadata),
    )
    known = state or PageState(author_id=address.author_id, url=address.canonical)
    news = {
        "source_url": address.link,
        "document_id": draft.document_id,
        "category": file.category,
        "revision": file.revision,
        "gone_count": 0,
        "seen_at": now,
    }
    return Written(known.model_copy(update=news), draft)


def remove(state: PageState, now: Timestamp) -> Gone:
    """The source knows for sure that a document is gone; nothing is left to be confirmed."""
    return Gone(state.model_copy(update={"gone_count": _RUNS_UNTIL_DELETED, "seen_at": now}))


def follow(address: PageAddress, revision: str, state: PageState | None, now: Timestamp) -> Noted:
    """Remember how far a place has been followed."""
    known = state or PageState(author_id=address.author_id, url=address.canonical)
    return Noted(known.model_copy(update={"source_url": address.link, "revision": revision, "seen_at": now}))


def needs_no_fetch(found: Found, state: PageState | None, now: Timestamp) -> bool:
    """Whether the listing alone says that a page is as it was when it was last read."""
    if found.revision_is_date:
        return is_current_by_date(found.revision, state, now)
    return (
        state is not None
        and found.revision is not None
        and state.document_id is not None
        and state.revision == found.revision
        and state.gone_count == 0
    )


def judge(
    address: PageAddress,
    fetched: Fetched,
    state: PageState | None,
    requested_at: Timestamp,
    now: Timestamp,
) -> Visit:
    """What a fetched page means.

    Args:
        address: the page.
        fetched: what the server answered.
        state: what earlier runs remember of the page.
        requested_at: when the run was asked for; a page counts as gone once a run, however often the run
            is repeated after a crash.
        now: the time of the visit.
    """
    if fetched.status in GONE_STATUSES:
        return _judge_gone(fetched, state, requested_at, now)
    if fetched.status == 304 and state is not None:
        seen = {"gone_count": 0, "seen_at": now, "revision": address.found.revision}
        return Unchanged(state.model_copy(update=seen))
    if failure := _refusal(address, fetched):
        return failure
    digest = sha256(b"".join(fetched.bodies)).hexdigest()
    validators = {
        "etag": fetched.etag,
        "last_modified": fetched.last_modified,
        "content_digest": digest,
        "revision": address.found.revision,
        "gone_count": 0,
        "seen_at": now,
    }
    # A redirect for the time being does not rename the page; a canonical link of the page itself does.
    answered = fetched.url if fetched.moved_for_good else address.url
    reader_url = (address.url if address.found.request_url else answered).split("#", 1)[0]
    if state is not None and state.content_digest == digest and _keeps_identity(address, reader_url, state):
        return Unchanged(state.model_copy(update=validators))
    place = reader_url if address.found.request_url else fetched.url
    read = address.read(fetched, place)
    if isinstance(read, Failure):
        return read
    known = state or PageState(author_id=address.author_id, url=address.canonical)
    draft = _draft(address, read, reader_url, place)
    return Written(
        known.model_copy(
            update=validators
            | {"source_url": address.link, "document_id": draft.document_id, "category": draft.category}
        ),
        draft,
    )


def _draft(address: PageAddress, read: ReadPage, reader_url: str, place: str) -> DocumentDraft:
    page, found = read.page, address.found
    named_by_page = page.canonical_url != canonical_url(place)
    named = read.authors or ((page.author,) if page.author else found.authors)
    return DocumentDraft(
        author_id=address.author_id,
        url=reader_url,
        canonical_url=page.canonical_url if named_by_page else canonical_url(reader_url),
        category=address.category,
        platform=address.platform,
        title=page.title,
        text=page.text,
        language=page.language,
        author_name=", ".join(named)[:200] or None,
        published_at=page.published_at,
        authorship=decide_authorship(named, address.owner, has_several_authors=found.has_several_authors),
        partial=read.partial,
        metadata=dict(read.metadata),
    )


def _keeps_identity(address: PageAddress, reader_url: str, state: PageState) -> bool:
    """Whether the document is the one it was, as far as the address tells: the same bytes may have moved."""
    canonical = canonical_url(reader_url)
    own = document_id(address.author_id, canonical)
    return state.document_id is not None and (canonical == address.canonical or state.document_id == own)


def _refusal(address: PageAddress, fetched: Fetched) -> Failure | None:
    """Why the answer can hold no text, as far as status and address tell."""
    if not 200 <= fetched.status < 300:
        return failure_of_status(fetched.status)
    if is_login(fetched.url) and not is_login(address.url):
        return Failure("login_required", f"the page redirects to {fetched.url}")
    return None


def _judge_gone(
    fetched: Fetched, state: PageState | None, requested_at: Timestamp, now: Timestamp
) -> Gone | Failure:
    if state is None or state.document_id is None:
        return failure_of_status(fetched.status)
    counted = state.gone_count > 0 and state.seen_at is not None and state.seen_at >= requested_at
    count = state.gone_count if counted else state.gone_count + 1
    return Gone(
        state.model_copy(update={"gone_count": count, "seen_at": now if not counted else state.seen_at})
    )
