"""Takes away what a page itself names as no part of its article: related texts, pleas, bylines, shares.

The names are those that sites of many makers use for classes, ids and roles. A name is believed only while
all that carries it is a small share of the page: where it wraps the article, it means something else.
"""

import re
from collections import defaultdict

from lxml.html import HtmlElement

_LARGEST_SHARE = 0.15
"""Of the page's text, and of the text of its paragraphs."""

_MOST = 0.5
"""Of the text of the page's paragraphs."""

_AROUND = ("aside", "footer", "form", "header", "nav")
_CONTAINERS = ("div", "section", "aside", "ul", "ol", "nav", "footer", "form", "span", "p", "figure")
_TAGS = frozenset(("nav", "form"))
_ROLES = frozenset(("navigation", "complementary", "dialog", "contentinfo"))
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME = re.compile(
    r"(?:^|(?<=[-_ ]))(?:newsletter|subscribe|sign-?up|related|recirc\w*|recommend\w*|share|sharing|social"
    r"|authors?|author-?bio|author-?box|about-?author|bio|contributors?|byline|dateline|dates?|published"
    r"|timestamp|meta|kicker|eyebrow|topics?|categor\w+|tags|breadcrumbs?|comments?|disqus|respond"
    r"|feedback|survey|promo|advert\w*|sponsored|cta|outbrain|taboola|donat\w*|membership|banner|modal"
    r"|popup|notice|cookie\w*|consent|login|register|follow|button|btn|widget|sidebar|teasers?"
    r"|read-?more|also-?read|more-?(?:news|stories|articles|posts|from)|popular|trending|most-?read"
    r"|post-?navigation|pagination|disclaimer|copyright|credits?|photo-?credit)(?=$|[-_ ])",
    re.IGNORECASE,
)


def remove_furniture(tree: HtmlElement) -> None:
    """Drop the elements of `tree` that are named as furniture, in place.

    What holds the first heading stays, and so does code, whose colours have names such as `comment`.
    """
    _rename_wrappers(tree)
    named: dict[str, list[HtmlElement]] = defaultdict(list)
    for element in tree.iter(*_CONTAINERS):
        name = _furniture_name(element)
        if name and element.find(".//h1") is None and not _is_in_code(element):
            named[name].append(element)
    text, prose = _size(tree), _prose(tree)
    for elements in named.values():
        known = set(elements)
        outermost = [element for element in elements if known.isdisjoint(element.iterancestors())]
        small = sum(map(_size, outermost)) < _LARGEST_SHARE * text
        if small and sum(map(_prose, outermost)) < _LARGEST_SHARE * (prose or text):
            for element in outermost:
                element.drop_tree()


def _rename_wrappers(tree: HtmlElement) -> None:
    """Take the name from what holds the heading and most of the paragraphs: a form around the whole page, or
    an `aside` that was never closed, is no part beside the article."""
    prose = _prose(tree)
    for element in list(tree.iter(*_AROUND)):
        holds_article = next(element.iter("h1", "article", "main"), None) is not None
        if holds_article and _prose(element) > _MOST * prose:
            element.tag = "div"
            for name in ("class", "id", "role"):
                element.attrib.pop(name, None)


def _is_in_code(element: HtmlElement) -> bool:
    return next(element.iterancestors("pre", "code"), None) is not None


def _furniture_name(element: HtmlElement) -> str:
    """What kind of furniture the element says it is, or an empty text."""
    own = f"{element.get('class') or ''} {element.get('id') or ''}"
    found = _NAME.search(_CAMEL_CASE.sub("-", own))
    if found:
        return found[0].lower()
    role = element.get("role") or ""
    return element.tag if element.tag in _TAGS else role if role in _ROLES else ""


def _size(element: HtmlElement) -> int:
    return len(element.text_content())


def _prose(element: HtmlElement) -> int:
    """The characters of its paragraphs."""
    return sum(len(paragraph.text_content()) for paragraph in element.iter("p"))
