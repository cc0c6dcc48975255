"""Markdown of a text whose place in its page is known, as in exports: nothing is judged, nothing is lost."""

import re

from lxml.etree import LxmlError
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from twin_common.documents import normalise_text
from twin_crawler.code_blocks import CodeBlock

_DROPPED = frozenset(
    ("script", "style", "template", "noscript", "iframe", "svg", "button", "form", "input", "head")
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_BLOCKS = frozenset(
    ("p", "div", "section", "article", "header", "footer", "main", "aside", "figure", "figcaption", "table")
) | frozenset(
    ("tr", "td", "th", "tbody", "thead", "caption", "li", "dl", "dt", "dd", "center", "body", "html")
)
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "s": "~~", "del": "~~"}
_DEEPEST = 100
"""Levels of elements; real texts have a tenth of it, and the walk is recursive."""


def parse_html(body: bytes | str) -> HtmlElement | None:
    """The tree of a page or a fragment in UTF-8; None: there is none, as in an empty file."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    parser = HTMLParser(encoding="utf-8", huge_tree=False)
    try:
        tree = document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError):
        return None
    return tree if isinstance(tree, HtmlElement) else None


def to_markdown(element: HtmlElement) -> str:
    """The text of an element: headings, lists, quotes, code with its language, tables, links, captions."""
    blocks = _Writer().write(element)
    return normalise_text(re.sub(r"\n{3,}", "\n\n", "\n\n".join(blocks)))


class _Writer:
    """Walks a tree; inline text gathers until a block ends."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._line = ""

    def write(self, element: HtmlElement, depth: int = 0) -> list[str]:
        """The blocks of an element's content, without the element itself."""
        self._content(element, depth)
        return self.blocks()

    def blocks(self) -> list[str]:
        """What was written so far."""
        self._end_block()
        return self._blocks

    def _content(self, element: HtmlElement, depth: int) -> None:
        if depth > _DEEPEST:
            self._text(element.text_content())
            return
        self._text(element.text)
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _DROPPED:
                self.add(child, depth + 1)
            self._text(child.tail)

    def add(self, element: HtmlElement, depth: int) -> None:
        """Write an element with what it is."""
        tag = element.tag
        if tag in _HEADINGS:
            self._add(f"{_HEADINGS[tag]} {' '.join(_Writer().write(element, depth))}")
        elif tag in ("ul", "ol"):
            self._add(_list(element, depth))
        elif tag == "blockquote":
            self._add("\n".join(f"> {line}".rstrip() for line in _inner(element, depth).split("\n")))
        elif tag == "pre":
            self._add(_code(element))
        elif tag == "table":
            table = _table(element, depth)
            if table is None:
                self._block(element, depth)
            else:
                self._add(table)
        elif tag == "hr":
            self._add("---" if self._blocks or self._line.strip() else "")
        elif tag in _BLOCKS:
            self._block(element, depth)
        else:
            self._inline(element, depth)

    def _inline(self, element: HtmlElement, depth: int) -> None:
        tag = element.tag
        if tag == "br":
            self._line = self._line.rstrip(" ") + "\n"
        elif tag == "a":
            self._line += _link(element, depth)
        elif tag in _MARKS:
            self._line += _marked(_inner(element, depth), _MARKS[tag], element)
        elif tag == "img":
            self._line += " ".join((element.get("alt") or "").split())
        else:
            self._content(element, depth)

    def _block(self, element: HtmlElement, depth: int) -> None:
        self._end_block()
        self._content(element, depth)
        self._end_block()

    def _text(self, text: str | None) -> None:
        if text:
            spaced = re.sub(r"[ \t\r\n\f]+", " ", text.replace("\u200b", "").replace("\ufeff", ""))
            at_start = not self._line or self._line.endswith(("\n", " "))
            self._line += spaced.lstrip(" ") if at_start else spaced

    def _add(self, block: str) -> None:
        self._end_block()
        if block.strip("# >\n"):
            self._blocks.append(block)

    def _end_block(self) -> None:
        if self._line.strip():
            self._blocks.append(self._line.strip())
        self._line = ""


def _inner(element: HtmlElement, depth: int) -> str:
    return "\n\n".join(_Writer().write(element, depth))


def _outer(element: HtmlElement, depth: int) -> str:
    writer = _Writer()
    writer.add(element, depth)
    return "\n\n".join(writer.blocks())


def _list(element: HtmlElement, depth: int) -> str:
    lines, number = [" ".join((element.text or "").split())], 0
    for item in element:
        if isinstance(item.tag, str) and item.tag not in _DROPPED:
            number += item.tag == "li"
            # What is no item, such as a list straight inside a list, belongs to the item before it.
            bullet = f"{number}. " if element.tag == "ol" else "- "
            inner = _inner(item, depth) if item.tag == "li" else _outer(item, depth)
            inner = re.sub(r"\n\n(?=- |\d+\. )", "\n", inner).replace("\n", "\n" + " " * len(bullet))
            lines.append((bullet if item.tag == "li" else " " * len(bullet)) + inner)
        lines.append(" ".join((item.tail or "").split()))
    return "\n".join(line for line in lines if line.strip())


def _code(element: HtmlElement) -> str:
    for line_break in element.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    named = [element, *element.iter("code")]
    classes = " ".join(part.get("class", "") for part in named)
    language = re.search(r"(?:language|lang)-([\w+#.-]+)", classes)
    named_outright = element.get("data-code-block-lang") or ""
    code: str = element.text_content().strip("\n")
    return CodeBlock(code, language[1] if language else named_outright).to_markdown() if code.strip() else ""


def _table(element: HtmlElement, depth: int) -> str | None:
    """The table with its first row as its head; None: it holds words outside its cells."""
    # Rows of tables in the cells are left to those tables: visiting them twice doubles with each level.
    rows = [row for row in element.iter("tr") if next(row.iterancestors("table")) is element]
    cells = [[cell for cell in row if cell.tag in ("td", "th")] for row in rows]
    inside = sum(_size(cell) for row in cells for cell in row)
    if inside != _size(element):
        return None
    texts = [[" ".join(_inner(cell, depth).split()).replace("|", "\\|") for cell in row] for row in cells]
    texts = [row for row in texts if any(row)]
    if not texts:
        return ""
    width = max(map(len, texts))
    lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in texts]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _size(element: HtmlElement) -> int:
    return len("".join(element.text_content().split()))


def _link(element: HtmlElement, depth: int) -> str:
    text, target = _inner(element, depth), (element.get("href") or "").strip()
    is_address = target.startswith(("http://", "https://", "mailto:"))
    if not text.strip() or not is_address or target == text.strip() or "\n" in text:
        return text
    return f"[{text}]({target.replace(' ', '%20')})"


def _marked(text: str, mark: str, element: HtmlElement) -> str:
    """The text between marks; white space at its ends stays outside, where Markdown wants it."""
    words = text.strip()
    if not words or "\n" in words:
        return text
    parent = element.getparent()
    if parent is not None and parent.tag in _HEADINGS and mark in ("**", "*"):
        return text
    before = " " if (element.text or "")[:1].isspace() else ""
    after = " " if element.text_content()[-1:].isspace() else ""
    return f"{before}{mark}{words}{mark}{after}"
