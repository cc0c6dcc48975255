"""Which of the author's texts a question asks for, by rules: "my LinkedIn posts of last year", "in my code".

A word counts only where the question speaks of the owner's writing, since texts are asked *about* LinkedIn,
code and the year 2023 far more often than *by* them. Whose texts are searched is no part of this: that is
the credential's to say.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from twin_common.documents import Category
from twin_rag_api.retrieval.passages import EVERYTHING, SearchFilters
from twin_rag_api.retrieval.time_spans import TimeSpan, time_spans
from twin_rag_api.retrieval.wished_filters import combined

PLATFORMS = frozenset(("github", "linkedin", "medium", "substack", "x"))
_OWNED = (
    r"\b(?:my|our|your|the\s+author's|mein\w*|dein\w*|unser\w*|eue?r\w*)\s+"
    r"(?:(?!about|on|in|for|from|of|with|to|and|or|the|an?|über|zu|und|oder)[\w'’-]+\s+){0,2}?"
)
_PLATFORM = r"(?P<platform>linked-?in|medium|substack|twitter|github|X(?=\s|$|[.,?!]))"
_ARTICLE = (
    r"blog[\s-]?(?:posts?|entr(?:y|ies)|beitr[aä]ge?\w*)|articles?|essays?|artikeln?|aufs[aä]tze?n?|blogs?"
)
_POST = r"posts?|updates?|threads?"
_TWEET = r"tweets?"
_CODE = r"code|source\s+code|scripts?|repos?|repositor(?:y|ies)|quellcode|skripte?n?|repositories"
_OTHER = r"texts?|writings?|notes?|newsletters?|texte?n?|notizen|beitr[aä]ge?n?|publications?"
_NOUN = (
    rf"(?:(?P<article>{_ARTICLE})|(?P<tweet>{_TWEET})|(?P<post>{_POST})|(?P<code>{_CODE})"
    rf"|(?P<other>{_OTHER}))\b"
)
_TEXTS = re.compile(rf"(?:{_ARTICLE}|{_TWEET}|{_POST}|{_CODE}|{_OTHER})\b", re.IGNORECASE)

_OWN_TEXTS = re.compile(rf"{_OWNED}(?:{_PLATFORM}[\s-]+)?{_NOUN}", re.IGNORECASE)
_AND_TEXTS = re.compile(rf"(?:\s*,|\s+(?:and|or|und|oder))\s+{_TEXTS.pattern}", re.IGNORECASE)
_WROTE = re.compile(
    r"\b(?:did|do|have|had|has)\s+(?:I|you|we|the\s+author)\s+(?:\w+ly\s+|ever\s+|already\s+|also\s+)?"
    r"(?:write|written|post|publish|say|said|blog|tweet|share|argue)(?:ed|d|ged)?\b"
    r"|\b(?:I|you|we|the\s+author)(?:['’]ve|\s+have|\s+had)?\s+"
    r"(?:wrote|written|posted|published|said|shared|blogged|tweeted)\b"
    r"|\b(?:ich|du|wir|ihr)\b.{0,200}\b(?:geschrieben|veröffentlicht|gepostet|gesagt|geteilt|gebloggt)\b"
    r"|\b(?:schrieb(?:st|en|t)?|veröffentlichte(?:st|n)?|postete(?:st|n)?)\s+(?:ich|du|wir|ihr)\b",
    re.IGNORECASE,
)
_ON_PLATFORM = re.compile(
    rf"\b(?:on|in|from|auf|bei|von)\s+(?:(?:my|our|your|mein\w*|dein\w*)\s+)?{_PLATFORM}\b(?!['’-])",
    re.IGNORECASE,
)
_TWEETED = re.compile(r"\b(?:did|have)\s+(?:I|you|we)\s+(?:ever\s+)?tweet(?:ed)?\b", re.IGNORECASE)
_LANGUAGES = {
    **dict.fromkeys(("english", "englisch"), "en"),
    **dict.fromkeys(("german", "deutsch"), "de"),
    **dict.fromkeys(("french", "französisch"), "fr"),
    **dict.fromkeys(("spanish", "spanisch"), "es"),
    **dict.fromkeys(("italian", "italienisch"), "it"),
    **dict.fromkeys(("portuguese", "portugiesisch"), "pt"),
    **dict.fromkeys(("dutch", "niederländisch"), "nl"),
    **dict.fromkeys(("swedish", "schwedisch"), "sv"),
    **dict.fromkeys(("polish", "polnisch"), "pl"),
    **dict.fromkeys(("romanian", "rumänisch"), "ro"),
}
_LANGUAGE = rf"(?P<language>{'|'.join(_LANGUAGES)})"
_IN_LANGUAGE = re.compile(rf"\b(?:in|auf)\s+{_LANGUAGE}\b", re.IGNORECASE)
_LANGUAGE_TEXTS = re.compile(
    rf"{_OWNED}{_LANGUAGE}(?:e[nrms]?)?\s+(?:\w+\s+)?{_TEXTS.pattern}", re.IGNORECASE
)
_ANSWER_IN = re.compile(
    r"\b(?:answer|reply|respond|tell|explain|summari[sz]e|translate|antworte|erklär|übersetz|fass)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w")
_OF_SOMETHING_ELSE = re.compile(r"(?P<word>[^\W\d_]+(?:ed|born|built|made|held))\s+$", re.IGNORECASE)
_OWN_PARTICIPLES = frozenset(("posted", "published", "shared", "blogged", "tweeted", "said"))
_GERMAN_I = re.compile(r"\b(?:ich|du|wir|ihr)\s+$", re.IGNORECASE)
_IN = frozenset(("in", "on", "during", "within", "over", "im", "am", "während"))
_BOUND = frozenset(
    ("since", "after", "before", "until", "till", "between", "seit", "nach", "vor", "bis", "zwischen")
)
_OF = frozenset(("from", "of", "aus", "von", "vom"))


@dataclass(frozen=True)
class Reading:
    """A question, and what it asks for besides its topic."""

    question: str
    rest: str
    """The question without the words that the filters were taken from: its topic."""
    filters: SearchFilters = EVERYTHING
    variants: tuple[str, ...] = ()
    """Other ways to put it; the question itself is not among them."""


@dataclass(frozen=True)
class _Wish:
    """Some filters, and the words that they were taken from."""

    filters: SearchFilters
    first: int
    last: int


def read_question(question: str, now: datetime) -> Reading:
    """The filters that a question asks for; of several lines the later ones have the last word.

    Where a line asks for two different things, as "my posts and articles" does, it filters neither.
    """
    filters, rest = EVERYTHING, []
    for line in question.split("\n"):
        wishes = list(_wishes(line, now))
        filters = combined(_agreed(wishes), filters)
        rest.append(_without(line, wishes))
    topic = "\n".join(rest)
    return Reading(question, topic if _WORD.search(topic) else question, filters)


def _wishes(line: str, now: datetime) -> Iterator[_Wish]:
    own_texts = list(_OWN_TEXTS.finditer(line))
    wrote = _WROTE.search(line) is not None
    for match in own_texts:
        several = _AND_TEXTS.match(line, match.end()) is not None
        yield _Wish(replace(_kind(match), category=None) if several else _kind(match), *match.span())
    if own_texts or wrote:
        yield from _each(_ON_PLATFORM, line, lambda match: SearchFilters(platform=_platform(match)))
        yield from _each(_TWEETED, line, lambda _: SearchFilters(platform="x"))
        if not _ANSWER_IN.search(line):
            yield from _each(_IN_LANGUAGE, line, _language)
    yield from _each(_LANGUAGE_TEXTS, line, _language)
    for span in time_spans(line, now):
        if _is_of_writing(span, line, wrote=wrote, owned=bool(own_texts)):
            yield _Wish(
                SearchFilters(published_after=span.after, published_before=span.before), span.first, span.last
            )


def _each(
    pattern: re.Pattern[str], line: str, read: Callable[[re.Match[str]], SearchFilters]
) -> Iterator[_Wish]:
    return (_Wish(read(match), *match.span()) for match in pattern.finditer(line))


def _kind(match: re.Match[str]) -> SearchFilters:
    """Category and platform of "my … posts"; on Medium and Substack a post is an article."""
    platform = _platform(match) if match["platform"] else None
    if match["code"]:
        return SearchFilters(category=Category.CODE, platform=platform)
    if match["article"]:
        return SearchFilters(category=Category.ARTICLE, platform=platform)
    if match["tweet"]:
        return SearchFilters(category=Category.POST, platform="x")
    if match["post"] and platform not in ("medium", "substack"):
        return SearchFilters(category=Category.POST, platform=platform)
    return SearchFilters(platform=platform)


def _platform(match: re.Match[str]) -> str:
    name = match["platform"].lower().replace("-", "")
    return "x" if name == "twitter" else name


def _language(match: re.Match[str]) -> SearchFilters:
    return SearchFilters(language=_LANGUAGES[match["language"].lower()])


def _is_of_writing(span: TimeSpan, line: str, *, wrote: bool, owned: bool) -> bool:
    """Whether a time is when a text was written, instead of when something else came to pass."""
    before, behind = line[: span.first], line[span.last :]
    possessive = re.match(r"['’]s?\s+", behind)
    text_behind = _TEXTS.match(behind[possessive.end() :] if possessive else behind.lstrip())
    text_before = re.search(rf"(?:{_TEXTS.pattern})\s+$", before, re.IGNORECASE)
    if text_behind or (text_before and span.preposition):
        return True
    participle = _OF_SOMETHING_ELSE.search(before)
    if possessive or (participle and participle["word"].lower() not in _OWN_PARTICIPLES):
        return False
    if span.preposition in _OF:
        return owned or (wrote and span.is_range)
    told = span.preposition in _IN | _BOUND or span.is_relative or _GERMAN_I.search(before) is not None
    return told and (wrote or owned)


def _agreed(wishes: list[_Wish]) -> SearchFilters:
    """What is asked for in one way only; a time span counts as one thing."""
    values: dict[str, set[Any]] = {}
    for wish in wishes:
        own = {name: getattr(wish.filters, name) for name in ("category", "platform", "language")}
        times = (wish.filters.published_after, wish.filters.published_before)
        own["times"] = times if any(times) else None
        for name, value in own.items():
            if value is not None:
                values.setdefault(name, set()).add(value)
    agreed = {name: next(iter(found)) for name, found in values.items() if len(found) == 1}
    after, before = agreed.pop("times", (None, None))
    return SearchFilters(published_after=after, published_before=before, **agreed)


def _without(line: str, wishes: list[_Wish]) -> str:
    if all(wish.filters == EVERYTHING for wish in wishes):
        return line
    kept = list(line)
    for wish in wishes:
        if wish.filters == EVERYTHING:
            continue
        kept[wish.first : wish.last] = " " * (wish.last - wish.first)
    return " ".join("".join(kept).split())
