"""Carries links through the main-content extraction, which judges and joins texts worse when it keeps them.

Each link's text is put between marks: two Braille patterns that number it before, one behind. They are
printable, so they pass, and so few that they change no share of link text. A page with Braille keeps its
text and loses its links.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

from lxml.html import HtmlElement

_BASE = 0x2801
_DIGITS = 254
_END = "\u28ff"
_BRAILLE = re.compile("[\u2801-\u28ff]")
_MARKED = re.compile("([\u2801-\u28fe]{2})([^\u2801-\u28ff\n]*)\u28ff")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_INLINE = ("span", "b", "strong", "i", "em", "u", "font")


def repair_inline_markup(tree: HtmlElement) -> None:
    """Unwrap what makes the extraction lose text: headings' empty links, and elements of white space only."""
    for heading in tree.iter(*_HEADINGS):
        for link in list(heading.iter("a")):
            if not link.text_content().strip():
                link.drop_tag()
    for element in list(tree.iter(*_INLINE)):
        if len(element) == 0 and element.text and not element.text.strip():
            element.text = " "
            element.drop_tag()


@dataclass(frozen=True)
class LinkMarks:
    """The targets of a page's links, by the number that their marks write."""

    url: str
    targets: list[str] = field(default_factory=list)

    def take_links(self, tree: HtmlElement) -> None:
        """Mark every link of `tree` that shows text, in place."""
        if _BRAILLE.search(tree.text_content()):
            return
        for link in tree.iter("a"):
            target = (link.get("href") or "").strip()
            if len(self.targets) == _DIGITS**2:
                return
            if not target.startswith("#") and target and link.text_content().strip():
                self._mark(link, target)

    def _mark(self, link: HtmlElement, target: str) -> None:
        high, low = divmod(len(self.targets), _DIGITS)
        try:
            self.targets.append(urljoin(self.url, target))
        except ValueError:  # a bracket in the host's place
            return
        text = link.text or ""
        inner = text.lstrip()
        link.text = f"{text[: len(text) - len(inner)]}{chr(_BASE + high)}{chr(_BASE + low)}{inner}"
        last = link[-1] if len(link) else None
        end = (link.text if last is None else last.tail) or ""
        closed = f"{end.rstrip()}{_END}{end[len(end.rstrip()) :]}"
        if last is None:
            link.text = closed
        else:
            last.tail = closed

    def put_back(self, markdown: str) -> str:
        """Exchange the marks in the extractor's Markdown for links; a torn pair leaves its text."""
        if not self.targets:
            return markdown

        def link(found: re.Match[str]) -> str:
            high, low = (ord(mark) - _BASE for mark in found[1])
            index, text = high * _DIGITS + low, found[2].strip()
            if not text or index >= len(self.targets):
                return found[2]
            target = re.sub(r"[\s()<>]", lambda mark: f"%{ord(mark[0]):02X}", self.targets[index])
            return f"[{text}]({target})"

        return _BRAILLE.sub("", _MARKED.sub(link, markdown))
