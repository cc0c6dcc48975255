"""The owner's posts in LinkedIn's activity feed, `/in/<name>/recent-activity/all/`. Pure functions.

A post is a `div.feed-shared-update-v2` with its URN in `data-urn`; its words stand in
`.update-components-update-v2__commentary`, its writer in the link of `.update-components-actor`, "reposted
this" in `.update-components-header`, and a shared post in `.update-components-mini-update-v2` (older:
`.feed-shared-mini-update-v2`, or a wrapper `.feed-shared-update-v2__update-content-wrapper`). Learnt from
programs that read the feed, whose selectors agree: azntaiji/web-scraper and others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from lxml.html import HtmlElement

from twin_crawler.html_markdown import parse_html, to_markdown

_URN = re.compile(r"(?:activity|share|ugcPost)[:-](\d{15,20})")
# An id is a number of 64 bits of which the lowest 22 are a counter, and the rest milliseconds since 1970.
# Found by Ollie Boyd (Ollie-Boyd/Linkedin-post-timestamp-extractor); it agrees with the times that LinkedIn's
# own documentation and exports give beside ids.
_COUNTER_BITS = 22
_EARLIEST = datetime(2003, 5, 5, tzinfo=UTC)
_ACTIVITY = re.compile(r"urn:li:(?:activity|share|ugcPost):\d+")
_PAIR = re.compile(
    rb'"urn":"(urn:li:activity:\d+)"[^{}]{0,2000}?"shareUrn":"(urn:li:(?:share|ugcPost):\d+)"'
    rb'|"shareUrn":"(urn:li:(?:share|ugcPost):\d+)"[^{}]{0,2000}?"urn":"(urn:li:activity:\d+)"'
)
_PROFILE = re.compile(r"/in/([^/?#]+)")
_SIGN_IN = re.compile(r"/(?:login|uas/login|authwall|checkpoint|signup)(?:/|$)")


@dataclass(frozen=True)
class FeedPost:
    """A post of the owner."""

    urn: str
    text: str
    shares: bool
    """Whether it stands above somebody else's post; the text is the owner's alone."""

    @property
    def published_at(self) -> datetime | None:
        return date_of_urn(self.urn)


def date_of_urn(text: str) -> datetime | None:
    """When the post was made whose id stands in an address or a URN, to the millisecond; None: no such id."""
    found = _URN.search(text)
    if found is None:
        return None
    seconds = (int(found[1]) >> _COUNTER_BITS) / 1000
    try:
        made_at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return made_at if made_at > _EARLIEST else None


def profile_of(link: str) -> str | None:
    """The public name in the address of a profile or of its activity, in lower case."""
    found = _PROFILE.match(urlsplit(link).path)
    return unquote(found[1]).lower() if found else None


def is_sign_in(url: str) -> bool:
    """Whether LinkedIn sent the browser to where a session is begun or checked."""
    return bool(_SIGN_IN.search(urlsplit(url).path))


def share_urns(bodies: Iterable[bytes]) -> dict[str, str]:
    """What the page's data says of activities: the URN of the share, which the data export uses too."""
    pairs: dict[str, str] = {}
    for body in bodies:
        for found in _PAIR.finditer(body.replace(b"&quot;", b'"')):
            activity, share = found[1] or found[4], found[2] or found[3]
            pairs[activity.decode()] = share.decode()
    return pairs


def read_feed(html: str, profile: str) -> list[FeedPost]:
    """The posts that the profile's owner wrote; those of others, and reposts without a word, are left out."""
    tree = parse_html(html)
    if tree is None:
        return []
    posts = (_post(element, profile) for element in _with_class(tree, "feed-shared-update-v2"))
    return [post for post in posts if post is not None]


def _post(element: HtmlElement, profile: str) -> FeedPost | None:
    urn = _ACTIVITY.search(element.get("data-urn") or element.get("data-id") or "")
    inside_another = any(_has_class(outer, "feed-shared-update-v2") for outer in element.iterancestors())
    if urn is None or inside_another or _is_repost(element, profile):
        return None
    shared = [
        inner
        for name in (
            "update-components-mini-update-v2",
            "feed-shared-mini-update-v2",
            "feed-shared-update-v2__update-content-wrapper",
        )
        for inner in _with_class(element, name)
    ]
    for inner in shared:
        if inner.getparent() is not None:
            inner.drop_tree()
    if _writer(element) != profile:
        return None
    commentaries = [
        *_with_class(element, "update-components-update-v2__commentary"),
        *_with_class(element, "update-components-text"),
        *_with_class(element, "feed-shared-text"),
    ]
    text = _plain(commentaries[0]) if commentaries else ""
    return FeedPost(urn[0], text, bool(shared)) if text else None


def _is_repost(element: HtmlElement, profile: str) -> bool:
    """A header above a post names who brought it here; then the words below are another's."""
    headers = _with_class(element, "update-components-header")
    return bool(headers) and _writer(element) != profile


def _writer(element: HtmlElement) -> str | None:
    """The public name of the first actor."""
    for actor in _with_class(element, "update-components-actor"):
        for href in actor.xpath(".//a/@href"):
            if name := profile_of(href):
                return name
    return None


def _plain(element: HtmlElement) -> str:
    """A post is plain text: links of LinkedIn's own, such as hashtags and names, are only their words."""
    for link in element.iter("a"):
        host = urlsplit(link.get("href") or "").hostname or ""
        if host == "linkedin.com" or host.endswith(".linkedin.com") or not host:
            link.attrib.pop("href", None)
    for hidden in _with_class(element, "visually-hidden"):
        hidden.drop_tree()
    return to_markdown(element)


def _with_class(tree: HtmlElement, name: str) -> list[HtmlElement]:
    found: list[HtmlElement] = tree.xpath(
        ".//*[contains(concat(' ', normalize-space(@class), ' '), concat(' ', $name, ' '))]", name=name
    )
    return found


def _has_class(element: HtmlElement, name: str) -> bool:
    return name in (element.get("class") or "").split()
