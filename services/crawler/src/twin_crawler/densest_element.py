"""Finds the smallest element that holds most of a page's running text. Pure, and in time linear in the page.

It knows nothing of names and kinds of pages, so that it errs elsewhere than extractors that do.
"""

import re
from collections import defaultdict

from lxml.html import HtmlElement

_MOST = 0.6
"""Of the running text of an element; a child that holds as much stands for it."""

_AROUND = ("nav", "footer", "aside", "form", "button", "select", "header")
_COMMENTS = (
    "//*[@id and contains('|comments|comment-list|disqus_thread|respond|', concat('|', @id, '|'))]"
    " | //*[contains(concat(' ', @class, ' '), ' comments ')"
    " or contains(concat(' ', @class, ' '), ' comments-area ')"
    " or contains(concat(' ', @class, ' '), ' comment-list ')"
    " or contains(concat(' ', @class, ' '), ' commentlist ')]"
)
_TEXTS = ("p", "pre", "blockquote", "td", "dd", "li", "div", "section", "article")
_BLOCKS = frozenset(
    ("p", "pre", "div", "section", "article", "ul", "ol", "dl", "table", "blockquote", "figure", "main")
) | frozenset(("aside", "h1", "h2", "h3", "h4", "h5", "h6", "form", "header", "footer", "nav"))
_UNDIVIDED = frozenset(("p", "pre", "blockquote", "ul", "ol", "table"))
_SHORTEST = 25  # characters; less is a label
_SENTENCE = re.compile(r"[.!?…:;。！？।][\"'”’»)\]]*$")
_LONG = 80  # characters; as much is running text also without a full stop


def densest_element(tree: HtmlElement) -> HtmlElement:
    """Descend from the body while one child holds most of the running text.

    What surrounds articles by its tag, and comments by their usual names, are dropped from `tree`, in place;
    a header that holds paragraphs stays. Comments can be longer than what they are about.
    """
    for element in tree.xpath(_COMMENTS):
        if element.tag not in ("html", "body"):
            element.drop_tree()
    for element in list(tree.iter(*_AROUND)):
        if element.tag != "header" or element.find(".//p") is None:
            element.drop_tree()
    weights = _weights(tree)
    body = tree.find("body")
    element = tree if body is None else body
    while True:
        children = [child for child in element if child.tag not in _UNDIVIDED]
        heaviest = max(children, key=lambda child: weights[child], default=None)
        if heaviest is None or not weights[heaviest] or weights[heaviest] < _MOST * weights[element]:
            return element
        element = heaviest


def _weights(tree: HtmlElement) -> dict[HtmlElement, int]:
    """The characters of running text in each element that holds any."""
    weights: dict[HtmlElement, int] = defaultdict(int)
    for element in tree.iter(*_TEXTS):
        if element.tag not in ("p", "pre") and any(child.tag in _BLOCKS for child in element):
            continue
        weight = _running_text(element)
        if weight:
            weights[element] += weight
            for ancestor in element.iterancestors():
                weights[ancestor] += weight
    return weights


def _running_text(element: HtmlElement) -> int:
    """The characters of an element's sentences; linked ones count against it."""
    text = " ".join(element.text_content().split())
    if len(text) < _SHORTEST or not (len(text) > _LONG or _SENTENCE.search(text)):
        return 0
    linked = sum(len(" ".join(link.text_content().split())) for link in element.iter("a"))
    return max(0, len(text) - 2 * linked)
