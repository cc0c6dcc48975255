"""Tells where an article that is spread over several addresses goes on, and joins its parts. Pure.

An address is a part of an article only if it adds a number to the article's own address, as `/2/` (WordPress'
page breaks), `/page/2`, `-page-2.html` or `?page=1` do, and only if the page calls it the next one: for
`rel="next"` alone is said of the next article too.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, urljoin, urlsplit

from lxml.html import HtmlElement

from twin_crawler.boilerplate import split_blocks
from twin_crawler.page_furniture import remove_furniture

_WORD = r"(?:page|pages|pg|p|part|seite|teil|pagina|p[aá]g|strona|sida|side)"
_NUMBER = (
    rf"(?:/(?P<plain>\d{{1,3}})|/{_WORD}[/_=-]?(?P<named>\d{{1,3}})|[-_,;]{_WORD}[_=-]?(?P<joined>\d{{1,3}}))"
)
_ADDED = re.compile(_NUMBER, re.IGNORECASE)
_ADDED_AT_END = re.compile(rf"{_NUMBER}$", re.IGNORECASE)
_RELATIVE = rf"href\s*=\s*[\"']?(?:\?[^\"'\s<>]*=|(?:\./)?(?:{_WORD}[/_=-]?)?)\d{{1,3}}/?[\"'\s>]"
_EXTENSION = re.compile(r"\.(?:html?|php|aspx?)$", re.IGNORECASE)
_PARAMETERS = frozenset(("page", "pg", "part", "paged", "seite", "pagina", "pag", "start"))
_NEXT = re.compile(
    r"\W*(?:next(?: (?:page|part))?|continue(?: reading)?|weiter(?:lesen)?|n[aä]chste(?: seite)?"
    r"|(?:page )?suivante?|(?:p[aá]gina )?siguiente|pr[oó]xim[ao]|(?:pagina )?successiva|avanti|volgende"
    r"|nästa|neste|næste|dalej|следующая|次へ|次のページ|下一页)\W*|[>›»→]",
    re.IGNORECASE,
)
_LEADS_BACK = re.compile(rb"rel\s*=[^>]*\b(?:prev|first)\b|>\s*1\s*<", re.IGNORECASE)
_AROUND = ("nav", "aside", "footer")
_LONG_PARAGRAPH = 200  # characters; a teaser seldom has more
_LEAST_IN_A_LIST = 2


def may_have_parts(body: bytes, url: str) -> bool:
    """Whether a page holds a link that could lead to a part; most do not, and need not be parsed for it."""
    path = urlsplit(_without_first(_without_number(url))).path
    name = _EXTENSION.sub("", path.rstrip("/")).rsplit("/", 1)[-1]
    own = rf"{re.escape(name)}[^\"'\s<>]{{0,60}}?[/=]?\d{{1,3}}(?:/|\.\w+)?[\"'\s>&#]" if name else r"(?!)"
    return re.search(f"{own}|{_RELATIVE}".encode(), body, re.IGNORECASE) is not None


def may_be_part(body: bytes, url: str) -> bool:
    """Whether a page could be a later part of an article, by its address and a link that could lead back."""
    return bool(_number(url, _without_number(url))) and _LEADS_BACK.search(body) is not None


def next_part(tree: HtmlElement, url: str, first: str, number: int) -> str | None:
    """The address of the part that follows; None: there is none.

    Args:
        tree: a part as it was parsed; it is not changed.
        url: where that part was found.
        first: the address of the first part.
        number: which part `tree` is; the first is 1.
    """
    base = _without_first(first)
    here = _number(url, base) or 0
    called_next: dict[str, str] = {}
    for rel, label, target in _links(tree, url):
        found = _number(target, base)
        if found is None or found <= max(here, number - 1):
            continue
        if "next" in rel:
            called_next.setdefault("rel", target)
        elif label == str(number + 1):
            called_next.setdefault("number", target)
        elif _NEXT.fullmatch(label):
            called_next.setdefault("word", target)
    return next((called_next[sign] for sign in ("rel", "number", "word") if sign in called_next), None)


def first_part(tree: HtmlElement, url: str) -> str | None:
    """The address of the article of which the page is a later part, as its address and its links say."""
    base = _without_number(url)
    if not _number(url, base):
        return None
    for rel, label, target in _links(tree, url):
        leads_back = label == "1" or "first" in rel or "prev" in rel
        if leads_back and _number(_without_first(target), base) == 0:
            return target
    return None


def is_list(tree: HtmlElement) -> bool:
    """Whether a page lists other pages, so that what follows it is more of the list; changes the tree."""
    remove_furniture(tree)
    for element in list(tree.iter(*_AROUND)):
        element.drop_tree()
    entries = [entry for entry in tree.iter("article") if _linked_headings(entry)]
    if len(entries) >= _LEAST_IN_A_LIST:
        return True
    long = sum(len(paragraph.text_content()) > _LONG_PARAGRAPH for paragraph in tree.iter("p"))
    return _linked_headings(tree) >= max(_LEAST_IN_A_LIST, long)


def join_parts(texts: Sequence[str]) -> str:
    """One text of an article's parts; what a part repeats of earlier ones around its own is left out."""
    joined: list[str] = []
    seen: set[str] = set()
    for text in texts:
        blocks = [block.markdown for block in split_blocks(text)]
        while blocks and blocks[0] in seen:
            blocks.pop(0)
        while blocks and blocks[-1] in seen:
            blocks.pop()
        joined += blocks
        seen.update(blocks)
    return "\n\n".join(joined)


def _links(tree: HtmlElement, url: str) -> Iterator[tuple[list[str], str, str]]:
    """What each link of a page says of its target: its `rel`, its label, the absolute address."""
    for link in tree.iter("a", "link"):
        href = (link.get("href") or "").strip()
        if href and not href.startswith("#"):
            try:
                target = urljoin(url, href)
                urlsplit(target).port  # noqa: B018 -- says whether the address is one
            except ValueError:
                continue
            yield (link.get("rel") or "").lower().split(), " ".join(link.text_content().split()), target


def _number(url: str, base: str) -> int | None:
    """What number an address adds to another, 0 where they are the same; None: it is another page."""
    ours, theirs = urlsplit(url), urlsplit(base)
    if _host(ours.netloc) != _host(theirs.netloc):
        return None
    path, base_path = ours.path.rstrip("/"), theirs.path.rstrip("/")
    known = dict(parse_qsl(theirs.query))
    added = [(name, value) for name, value in parse_qsl(ours.query) if known.get(name) != value]
    if any(name in known for name, _ in added):
        return None
    if path == base_path:
        return 0 if not added else _number_in(added) if path or theirs.query else None
    extension = _EXTENSION.search(base_path)
    if extension and path.endswith(extension[0]):
        path, base_path = path.removesuffix(extension[0]), base_path.removesuffix(extension[0])
    if added or not base_path or not path.startswith(base_path):
        return None
    found = _ADDED.fullmatch(path.removeprefix(base_path))
    return int(found["plain"] or found["named"] or found["joined"]) if found else None


def _number_in(pairs: Sequence[tuple[str, str]]) -> int | None:
    (name, value), *others = pairs
    is_number = not others and name.lower() in _PARAMETERS and re.fullmatch(r"\d{1,3}", value, re.ASCII)
    return int(value) if is_number else None


def _without_number(url: str) -> str:
    """The address without the number of a part, or as it is."""
    parts = urlsplit(url)._replace(fragment="")
    pairs = parts.query.split("&")
    if _number_in(parse_qsl(pairs[-1]) or [("", "")]) is not None:
        return parts._replace(query="&".join(pairs[:-1])).geturl()
    extension = _EXTENSION.search(parts.path)
    stem = parts.path.removesuffix(extension[0] if extension else "").rstrip("/")
    found = _ADDED_AT_END.search(stem)
    if found is None or not found.start():
        return parts.geturl()
    end = extension[0] if extension else "/" if parts.path.endswith("/") else ""
    return parts._replace(path=stem[: found.start()] + end).geturl()


def _without_first(url: str) -> str:
    """The address without a number that names the first part; a bare number is the name of an article."""
    base = _without_number(url)
    found = _ADDED_AT_END.search(urlsplit(url).path.rstrip("/"))
    is_bare = found is not None and found["plain"] and urlsplit(url).query == urlsplit(base).query
    return base if _number(url, base) in (0, 1) and not is_bare else url


def _host(netloc: str) -> str:
    return netloc.lower().removeprefix("www.")


def _linked_headings(element: HtmlElement) -> int:
    headings = element.iter("h1", "h2", "h3")
    return sum(
        heading.find(".//a[@href]") is not None or next(heading.iterancestors("a"), None) is not None
        for heading in headings
    )
