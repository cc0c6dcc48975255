"""Reads a Medium article out of the `window.__APOLLO_STATE__` that its page carries. Pure.

The state is a flat table: `Post:ID` points to its `Paragraph:ID`s and to `User:ID` by `{"__ref": …}`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import groupby, pairwise
from typing import Any

_STATE = re.compile(rb"window\.__APOLLO_STATE__\s*=\s*")
_TAGS = {"H2": "h2", "H3": "h2", "H4": "h3", "BQ": "blockquote", "PQ": "blockquote"}
_LISTS = {"ULI": "ul", "OLI": "ol"}
_MARKS = {"STRONG": "strong", "EM": "em", "CODE": "code"}
# Cards and players show what somebody else published.
_FOREIGN = frozenset(("IFRAME", "MIXTAPE_EMBED"))

State = dict[str, Any]


@dataclass(frozen=True)
class MediumPost:
    """An article as the state holds it."""

    title: str
    html: str
    author: str
    published_at: datetime | None
    canonical_url: str | None
    """Where it was first published, or Medium's own address of it."""
    is_preview: bool
    """Whether only the part before the paywall is there."""
    is_response: bool
    """Whether it is a comment on another article."""


def read_post(body: bytes, post_id: str | None) -> MediumPost | None:
    """The article of a page; None when the page carries no state or another article's."""
    state = _state_of(body)
    post = _post_in(state, post_id) if state else None
    if state is None or post is None:
        return None
    contents = (post[key] for key in post if key.split("(", 1)[0] == "content" and _is_map(post[key]))
    content: State = next(contents, {})
    body_model = _follow(state, content.get("bodyModel"))
    paragraphs = [_follow(state, entry) for entry in _entries(body_model.get("paragraphs"))]
    title = str(post.get("title") or "")
    if paragraphs and str(paragraphs[0].get("text")).strip() == title.strip():
        paragraphs = paragraphs[1:]
    canonical = post.get("canonicalUrl") or post.get("mediumUrl")
    return MediumPost(
        title=title,
        html="".join(_html(state, paragraphs)),
        author=str(_follow(state, post.get("creator")).get("name") or ""),
        published_at=_moment(post.get("firstPublishedAt")),
        canonical_url=canonical if isinstance(canonical, str) and canonical else None,
        is_preview=bool(content.get("isLockedPreviewOnly") or post.get("isLockedPreviewOnly")),
        is_response=any(post.get(key) for key in ("inResponseToPostResult", "inResponseToPostId")),
    )


def _state_of(body: bytes) -> State | None:
    found = _STATE.search(body)
    if found is None:
        return None
    try:
        state, _ = json.JSONDecoder().raw_decode(body[found.end() :].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _post_in(state: State, post_id: str | None) -> State | None:
    if post_id is not None:
        post = state.get(f"Post:{post_id}")
        return post if _is_map(post) else None
    whole = [post for key, post in state.items() if key.startswith("Post:") and _is_map(post)]
    whole = [post for post in whole if any(key.startswith("content") for key in post)]
    return whole[0] if len(whole) == 1 else None


def _html(state: State, paragraphs: Iterable[State]) -> Iterator[str]:
    for tag, members in groupby(paragraphs, lambda entry: _LISTS.get(str(entry.get("type")))):
        if tag is not None:
            yield f"<{tag}>{''.join(f'<li>{_marked(entry)}</li>' for entry in members)}</{tag}>"
        else:
            yield from (_block(state, entry) for entry in members)


def _block(state: State, paragraph: State) -> str:
    kind, text = str(paragraph.get("type")), str(paragraph.get("text") or "")
    if kind in _FOREIGN:
        return ""
    if kind == "PRE":
        language = _follow(state, paragraph.get("codeBlockMetadata")).get("lang")
        name = f' class="language-{escape(str(language))}"' if language else ""
        return f"<pre><code{name}>{escape(text)}</code></pre>"
    if kind == "IMG":
        image = _follow(state, paragraph.get("metadata"))
        source = escape(f"https://miro.medium.com/v2/{image.get('id') or ''}")
        alt = escape(str(image.get("alt") or ""))
        return (
            f'<figure><img src="{source}" alt="{alt}"><figcaption>{_marked(paragraph)}</figcaption></figure>'
        )
    tag = _TAGS.get(kind, "p")
    return f"<{tag}>{_marked(paragraph)}</{tag}>"


def _marked(paragraph: State) -> str:
    """The text with its marks as tags. Medium counts in UTF-16, as JavaScript does."""
    units = str(paragraph.get("text") or "").encode("utf-16-le", "surrogatepass")
    length = len(units) // 2
    marks = [mark for mark in _entries(paragraph.get("markups")) if _is_map(mark)]
    spans = [(mark, *_span(mark, length)) for mark in marks]
    edges = sorted({0, length, *(edge for _, start, end in spans for edge in (start, end))})
    parts: list[str] = []
    for start, end in pairwise(edges):
        text = escape(units[2 * start : 2 * end].decode("utf-16-le", "replace")).replace("\n", "<br>")
        active = [mark for mark, first, last in spans if first <= start and end <= last]
        parts.append(_wrapped(text, active))
    return "".join(parts)


def _span(mark: State, length: int) -> tuple[int, int]:
    start, end = mark.get("start"), mark.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return 0, 0
    return max(0, min(start, length)), max(0, min(end, length))


def _wrapped(text: str, marks: Iterable[State]) -> str:
    """The text within its marks, a link outermost."""
    for mark in sorted(marks, key=lambda mark: mark.get("type") == "A"):
        if mark.get("type") == "A" and isinstance(mark.get("href"), str):
            text = f'<a href="{escape(mark["href"])}">{text}</a>'
        elif tag := _MARKS.get(str(mark.get("type"))):
            text = f"<{tag}>{text}</{tag}>"
    return text


def _follow(state: State, value: Any) -> State:
    """The object that a reference points to, or the object itself."""
    if _is_map(value) and isinstance(value.get("__ref"), str):
        value = state.get(value["__ref"])
    return value if _is_map(value) else {}


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _moment(milliseconds: Any) -> datetime | None:
    if not isinstance(milliseconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
