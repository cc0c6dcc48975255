"""Finds an article that a page carries unseen: in `noscript`, in templates and in embedded state. Pure.

Frameworks hand the data of a page to its scripts as JSON: Next.js in `<script id="__NEXT_DATA__">`, Nuxt 3 in
`__NUXT_DATA__` (a table whose objects name their values by place), others as `window.NAME = {…}`. Where in it
the article stands is each site's own affair, so it is told by its title and by being running text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lxml.html import HtmlElement

from twin_common.documents import normalise_text
from twin_crawler.html_markdown import parse_html, to_markdown

_MOST_STATE = 4_000_000
"""Characters of all scripts of a page that are looked at."""

_MOST_STATES = 20
"""Assignments of one script."""

_MOST_NODES = 200_000
_SHORTEST = 600
"""Characters of a text; less is a summary or a message."""

_FEWEST_SENTENCES = 4
_SENTENCE = re.compile(r"[.!?…。！？।](?=[\s\"'”’»)\]<]|$)")
_ASSIGNED = re.compile(r"\b(?:window|self|globalThis)(?:\.[\w$]+|\[['\"][\w$-]+['\"]\])\s*=\s*(?=[{\[])")
_TITLE_KEYS = frozenset(("title", "headline", "heading", "name"))
_TAG = re.compile(r"<[a-zA-Z/][^<>]{0,1000}>")


class _Node(NamedTuple):
    """A value of the state, and whether what stands around it bears the page's title."""

    value: Any
    titled: bool


def unseen_text(tree: HtmlElement) -> str:
    """The Markdown of the paragraphs that a page keeps for readers without scripts, or for its scripts.

    Empty where there are too few: nearly every page asks its readers for JavaScript there.
    """
    texts = (to_markdown(kept) for kept in tree.iter("noscript", "template") if kept.find(".//p") is not None)
    return max((text for text in texts if _is_prose(text)), key=len, default="")


def embedded_text(scripts: Iterable[HtmlElement], titles: Sequence[str], url: str) -> str:
    """The Markdown of the article in the embedded state of a page, that is in its scripts.

    That is the longest text beside one of the page's titles, or the only text there is. Empty: there is none,
    or there are several and none is the page's own, as in a list of what to read next.
    """
    known = {_key(title) for title in titles}
    found = list(dict.fromkeys(text for state in _states(scripts) for text in _texts(state, known)))
    own = [text for text, titled in found if titled]
    others = [text for text, _ in found]
    chosen = max(own, key=len) if own else others[0] if len(others) == 1 else ""
    return _markdown(chosen, url)


def _states(scripts: Iterable[HtmlElement]) -> Iterator[Any]:
    """The JSON of the page's scripts; what only a script engine could read is passed over."""
    budget = _MOST_STATE
    for script in scripts:
        text = script.text or ""
        kind = (script.get("type") or "").split(";")[0].strip().lower()
        if len(text) < _SHORTEST or len(text) > budget or kind == "application/ld+json":
            continue
        budget -= len(text)
        if kind.endswith("json"):
            starts = [len(text) - len(text.lstrip())]
        else:
            starts = [found.end() for found in islice(_ASSIGNED.finditer(text), _MOST_STATES)]
        for start in starts:
            try:
                yield json.JSONDecoder(strict=False).raw_decode(text, start)[0]
            except (ValueError, RecursionError):
                continue


def _texts(state: Any, titles: set[str]) -> Iterator[tuple[str, bool]]:
    """Every running text of a state, and whether it stands under one of these titles."""
    table: list[Any] = state if isinstance(state, list) else []
    waiting = [_Node(state, titled=False)]
    judged: dict[str, bool] = {}  # a table may name one long text a hundred thousand times
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        value, titled = waiting.pop()
        match value:
            case dict() as fields:
                titled = _bears_title(fields, table, titles, titled)
                children = (_referred(child, table) for child in fields.values())
            case list() as entries:
                children = (entry for entry in entries if not isinstance(entry, str))
            case str() as text if len(text) >= _SHORTEST:
                if text not in judged:
                    judged[text] = _is_prose(text)
                if judged[text]:
                    yield text, titled
                continue
            case _:
                continue
        holding = (_Node(child, titled) for child in children if isinstance(child, dict | list | str))
        waiting += islice(holding, _MOST_NODES)


def _bears_title(fields: dict[str, Any], table: list[Any], titles: set[str], inherited: bool) -> bool:
    """Whether an object is about one of these titles: by its own, else by that of what it lies in."""
    own = [_key(str(_referred(fields[key], table))) for key in fields if key.lower() in _TITLE_KEYS]
    return any(title in titles for title in own) if any(own) else inherited


def _referred(value: Any, table: list[Any]) -> Any:
    """What a table's object means by a number: the text at that place."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(table):
        return table[value] if isinstance(table[value], str) else value
    return value


def _is_prose(text: str) -> bool:
    if len(text) < _SHORTEST:
        return False
    words = _TAG.sub(" ", text)
    return (
        len(words) >= _SHORTEST
        and len(words) < 12 * len(words.split())
        and len(_SENTENCE.findall(words)) >= _FEWEST_SENTENCES
    )


def _markdown(text: str, url: str) -> str:
    if "</" not in text:
        return normalise_text(text)
    tree = parse_html(text)
    if tree is None:
        return ""
    tree.make_links_absolute(url, handle_failures="ignore")
    return to_markdown(tree)


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
