"""X's account archive: `data/tweets.js` and its parts, `tweet.js` in older archives.

A file is an assignment of a JSON array (`window.YTD.tweets.part0 = [ {"tweet": {…}}, …`); archives from
before 2019 lack the inner object. Texts of more than 280 signs stand in `note-tweet.js`, tied to their tweet
by the second of creation only. Deleted tweets have files of their own, which are never opened. Learnt from
what its readers say: TheExGenesis/community-archive (docs/archive_data.md) and others.
"""

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twin_common.documents import Category, DocumentDraft
from twin_crawler.archive import ArchiveFormat, BadEntry, Entry, LeftOut, Owner
from twin_crawler.archive_files import ArchiveFiles
from twin_crawler.archive_members import UnreadableMember
from twin_crawler.json_records import BrokenRecord, read_records

_TWEETS = re.compile(r"(?:^|/)(?:tweets?|community-tweet)(?:-part\d+)?\.js$").search
_NOTES = re.compile(r"(?:^|/)note-tweet(?:-part\d+)?\.js$").search
_ACCOUNT = re.compile(r"(?:^|/)account\.js$").search
_STATUS_LINK = re.compile(r"https?://(?:(?:www|mobile)\.)?(?:twitter|x)\.com/\w+/status/\d+\S*")
_SHORT_LINK = re.compile(r"https?://t\.co/\w+")
_CREATED = "%a %b %d %H:%M:%S %z %Y"
# A note that belongs to a tweet begins as the tweet does; the tweet's own end is a cut and a link.
_COMPARED = 100


@dataclass(frozen=True)
class _Account:
    name: str | None = None
    display_name: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class _Tweet:
    """What is kept of a tweet."""

    id: int
    text: str
    created_at: datetime
    language: str | None
    quotes: str | None


class _Unusable(ValueError):
    """Why a record gives no tweet."""


def _read(files: ArchiveFiles, owner: Owner) -> Iterator[Entry]:
    """Twice through the tweets: first who answers whom, then the texts, so that only threads are held."""
    account = _read_account(files)
    notes = _read_notes(files)
    threads = _Threads(files, account.id)
    held: dict[int, list[_Tweet]] = defaultdict(list)
    for place, record in _tweet_records(files):
        if isinstance(record, str):
            yield BadEntry(place, record)
            continue
        try:
            root = threads.root_of(record)
            if reason := _left_out(record, root):
                yield LeftOut(reason)
                continue
            tweet = _tweet(record, notes)
        except _Unusable as error:
            yield BadEntry(place, str(error))
            continue
        if root in threads.roots:
            held[root].append(tweet)
        else:
            yield _entry([tweet], account, owner)
    for root in list(held):
        yield _entry(sorted(held.pop(root), key=lambda tweet: tweet.id), account, owner)


class _Threads:
    """Which of the owner's tweets answer which; known after the first reading."""

    def __init__(self, files: ArchiveFiles, own_id: str | None) -> None:
        self._ids: set[int] = set()
        self._to_others: set[int] = set()
        self._parents: dict[int, int] = {}
        for _, record in _tweet_records(files):
            if isinstance(record, dict) and (number := _number(record, "id_str")) is not None:
                self._ids.add(number)
                if (parent := _number(record, "in_reply_to_status_id_str")) is not None:
                    self._parents[number] = parent
                    if own_id is None or record.get("in_reply_to_user_id_str") != own_id:
                        self._to_others.add(number)
        self.roots = {self._root(child) for child, parent in self._parents.items() if parent in self._ids}

    def root_of(self, record: dict[str, Any]) -> int | None:
        """The first tweet of the thread that the record belongs to; None: it answers somebody else."""
        number = _number(record, "id_str")
        if number is None:
            raise _Unusable("no id_str")
        root = self._root(number)
        # A root that answers the owner themselves: what it answers is not in the archive, so it was deleted.
        return None if root in self._to_others and self._parents.get(root) not in self._ids else root

    def _root(self, number: int) -> int:
        while (parent := self._parents.get(number)) in self._ids and parent is not None and parent < number:
            number = parent
        return number


def _left_out(record: dict[str, Any], root: int | None) -> str | None:
    if record.get("retweeted") is True or str(record.get("full_text", "")).startswith("RT @"):
        return "retweet"
    return "reply to somebody else" if root is None else None


def _entry(tweets: list[_Tweet], account: _Account, owner: Owner) -> Entry:
    """One post of a thread's tweets, in their order."""
    text = "\n\n".join(tweet.text for tweet in tweets if tweet.text)
    if not text:
        return LeftOut("no words of its own (a picture or a quoted tweet alone)")
    first = tweets[0]
    metadata = {"tweets": str(len(tweets))} if len(tweets) > 1 else {}
    quoted = [tweet.quotes for tweet in tweets if tweet.quotes]
    return DocumentDraft.at(
        owner.author_id,
        f"https://x.com/{account.name or 'i'}/status/{first.id}",
        category=Category.POST,
        platform="x",
        text=text,
        language=first.language,
        author_name=account.display_name,
        published_at=first.created_at,
        metadata=metadata | ({"quotes": " ".join(quoted)} if quoted else {}),
    )


def _tweet(record: dict[str, Any], notes: dict[int, list[dict[str, Any]]]) -> _Tweet:
    full_text, created = record.get("full_text", record.get("text")), record.get("created_at")
    if not isinstance(full_text, str):
        raise _Unusable("no full_text")
    created_at = _parse_created(created)
    urls = _links(record.get("entities"), "urls", "url", "expanded_url")
    media = _links(record.get("entities"), "media", "url", "expanded_url")
    text = html.unescape(full_text)
    for note in notes.get(int(created_at.timestamp()), ()):
        if _begins_alike(html.unescape(note["text"]), text):
            text = html.unescape(note["text"])
            urls |= _links(note, "urls", "shortUrl", "expandedUrl")
    text = re.sub(r"^(?:@\w+\s+)+", "", text) if _number(record, "in_reply_to_status_id_str") else text
    for short in media:
        text = text.replace(short, "")
    text = _SHORT_LINK.sub(lambda found: urls.get(found[0], found[0]), text).strip()
    quoted = _STATUS_LINK.search(text)
    if quoted is not None and quoted.end() == len(text):
        text = text[: quoted.start()].rstrip()
    language = record.get("lang")
    return _Tweet(
        id=int(record["id_str"]),
        text=text,
        created_at=created_at,
        language=language if isinstance(language, str) and re.fullmatch("[a-z]{2}", language) else None,
        quotes=quoted[0] if quoted else None,
    )


def _begins_alike(note: str, tweet: str) -> bool:
    words = " ".join(_SHORT_LINK.sub("", tweet).split()).rstrip("… .")[:_COMPARED]
    return bool(words) and " ".join(_SHORT_LINK.sub("", note).split()).startswith(words)


def _links(entities: Any, kind: str, short: str, long: str) -> dict[str, str]:
    """Short links and what they stand for; broken entities are as good as none."""
    listed = entities.get(kind) if isinstance(entities, dict) else None
    return {
        entry[short]: entry[long]
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get(short), str) and isinstance(entry.get(long), str)
    }


def _parse_created(text: Any) -> datetime:
    try:
        return datetime.strptime(str(text), _CREATED).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _Unusable(f"created_at {str(text)[:40]!r} is no date") from error


def _number(record: dict[str, Any], name: str) -> int | None:
    value = record.get(name)
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value) else None


def _tweet_records(files: ArchiveFiles) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Where each tweet stands, and the tweet, or why there is none."""
    for name in files.select(_TWEETS):
        for place, record in _records(files, name):
            inner = record.get("tweet", record) if isinstance(record, dict) else record
            yield place, inner if isinstance(inner, (dict, str)) else "no object"


def _records(files: ArchiveFiles, name: str) -> Iterator[tuple[str, dict[str, Any] | str]]:
    try:
        with files.open(name) as file:
            for found in read_records(file):
                if isinstance(found, BrokenRecord):
                    yield f"{name}, record {found.number}", found.reason
                else:
                    yield f"{name}, record {found[0]}", found[1]
    except UnreadableMember as error:
        yield name, str(error)


def _read_account(files: ArchiveFiles) -> _Account:
    for name in files.select(_ACCOUNT):
        for _, record in _records(files, name):
            account = record.get("account") if isinstance(record, dict) else None
            if isinstance(account, dict):
                wanted = (account.get(key) for key in ("username", "accountDisplayName", "accountId"))
                return _Account(*(value if isinstance(value, str) and value else None for value in wanted))
    return _Account()


def _read_notes(files: ArchiveFiles) -> dict[int, list[dict[str, Any]]]:
    """The long texts, by the second in which they were written."""
    notes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for name in files.select(_NOTES):
        for _, record in _records(files, name):
            note = record.get("noteTweet") if isinstance(record, dict) else None
            core = note.get("core") if isinstance(note, dict) else None
            if isinstance(note, dict) and isinstance(core, dict) and isinstance(core.get("text"), str):
                try:
                    written = datetime.fromisoformat(str(note.get("createdAt")))
                except ValueError:
                    continue
                notes[int(written.timestamp())].append(core)
    return notes


def _members(files: ArchiveFiles) -> list[str]:
    tweets = files.select(_TWEETS)
    return [*tweets, *tweets, *files.select(_NOTES), *files.select(_ACCOUNT)] if tweets else []


FORMAT = ArchiveFormat(name="x", members=_members, read=_read)
