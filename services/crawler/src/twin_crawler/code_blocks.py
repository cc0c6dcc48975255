"""Keeps code and quotes through the main-content extraction, which drops blank lines, languages and marks.

Before the extraction each block of code becomes a run of one made-up word, as long as the code so that the
extractor weighs it alike, and each line of a quote starts with another. Afterwards the words are exchanged
for fences and quote marks.
"""

import re
from dataclasses import dataclass, field

from lxml.html import Element, HtmlElement

_LANGUAGE_CLASS = re.compile(r"(?:language|lang|highlight-source|brush)[-:]\s*([\w+#.-]+)$")
_LANGUAGE_ATTRIBUTES = ("data-lang", "data-language")
_NO_LANGUAGE = frozenset(("none", "text", "plain", "plaintext", "txt", "nohighlight"))
_NOT_CODE = (
    ".//*[self::button or @aria-hidden='true'"
    " or contains(concat(' ', @class, ' '), ' lineno ') or contains(concat(' ', @class, ' '), ' linenos ')"
    " or contains(concat(' ', @class, ' '), ' line-number ')"
    " or contains(concat(' ', @class, ' '), ' line-numbers-rows ')]"
)
_LINE_TAGS = frozenset(("div", "p", "li", "tr"))
_QUOTED_TAGS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li")
_LONGEST_STAND_IN = 4000


@dataclass(frozen=True)
class CodeBlock:
    """A block of code and the language its page says it is in."""

    code: str
    language: str = ""

    def to_markdown(self) -> str:
        """The block inside a fence that is longer than any run of backticks in it."""
        runs = re.findall(r"`{3,}", self.code)
        fence = "`" * max([3, *(len(run) + 1 for run in runs)])
        return f"{fence}{self.language}\n{self.code}\n{fence}"


@dataclass(frozen=True)
class StandIns:
    """The words that stand for blocks; `mark` is hexadecimal and occurs nowhere in the page."""

    mark: str
    blocks: list[CodeBlock] = field(default_factory=list)

    def take_blocks(self, tree: HtmlElement) -> None:
        """Exchange the code and the quotes of `tree`, in place."""
        for table in list(tree.iter("table")):
            _unwrap_line_numbers(table)
        for pre in list(tree.iter("pre")):
            if pre.getparent() is None or any(ancestor.tag == "pre" for ancestor in pre.iterancestors()):
                continue
            language = _language_of(pre)
            self._replace(pre, CodeBlock(_text_of(pre), language))
        for quote in tree.iter("blockquote"):
            self._mark_lines(quote)

    def put_back(self, markdown: str) -> str:
        """Exchange the words in the extractor's Markdown for what they stand for."""
        run = re.compile(rf"[ \t]*`*\s*\b(?P<word>x{self.mark}n(?P<index>\d+))(?:\s+(?P=word))*\s*`*[ \t]*")

        def block(found: re.Match[str]) -> str:
            return f"\n\n{self.blocks[int(found['index'])].to_markdown()}\n\n"

        text = _quote_lines(markdown, f"q{self.mark}")
        pieces, position = [], 0
        for found in run.finditer(text):
            pieces += [_squeeze(text[position : found.start()]), block(found)]
            position = found.end()
        pieces.append(_squeeze(text[position:]))
        return _join(pieces)

    def _replace(self, pre: HtmlElement, block: CodeBlock) -> None:
        parent = pre.getparent()
        if not block.code.strip():
            pre.drop_tree()
            return
        word = f"x{self.mark}n{len(self.blocks)}"
        self.blocks.append(block)
        count = 1 + min(len(block.code), _LONGEST_STAND_IN) // (len(word) + 1)
        stand_in, code = Element("pre"), Element("code")
        code.text = " ".join([word] * count)
        stand_in.append(code)
        stand_in.tail = pre.tail
        parent.replace(pre, stand_in)

    def _mark_lines(self, quote: HtmlElement) -> None:
        word = f"q{self.mark} "
        if (quote.text or "").strip():
            quote.text = word + (quote.text or "").lstrip()
        for element in quote.iter(*_QUOTED_TAGS):
            content = (element.text or "").lstrip()
            opens_with_block = not content and len(element) and element[0].tag in ("p", "ul", "ol", "pre")
            if not opens_with_block and not content.startswith(word):
                element.text = word + content


def _quote_lines(markdown: str, word: str) -> str:
    """Turn each line that holds the word into a quoted line, with adjacent quoted paragraphs as one quote."""
    lines: list[str] = []
    for line in markdown.split("\n"):
        if word not in line:
            lines.append(line)
            continue
        text = re.sub(rf"\s*{word}\s*", " ", line).strip()
        if len(lines) >= 2 and not lines[-1].strip() and lines[-2].startswith(">"):
            lines[-1] = ">"
        lines.append(f"> {text}".rstrip())
    return "\n".join(lines)


def _squeeze(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text)


def _join(pieces: list[str]) -> str:
    """Join prose and fences with exactly one blank line between them, and leave the fences as they are."""
    return "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())


def _unwrap_line_numbers(table: HtmlElement) -> None:
    """A table with numbers in one cell and code in the next is a block of code with a gutter."""
    blocks = list(table.iter("pre"))
    code = [block for block in blocks if not re.fullmatch(r"[\s\d]*", block.text_content())]
    if len(code) != 1 or table.getparent() is None:
        return
    rest = "".join(table.text_content().split()).replace("".join(code[0].text_content().split()), "", 1)
    if re.fullmatch(r"\d*", rest):
        block = code[0]
        block.tail = table.tail
        table.getparent().replace(table, block)


def _text_of(pre: HtmlElement) -> str:
    """The code as a reader sees it: line breaks kept, line numbers and buttons left out."""
    for element in pre.xpath(_NOT_CODE):
        element.drop_tree()
    for element in list(pre.iter()):
        if element.tag == "br" or (element.tag in _LINE_TAGS and not _ends_with_newline(element)):
            element.tail = "\n" + (element.tail or "").removeprefix("\n")
    lines = pre.text_content().replace("\r\n", "\n").replace("\u00a0", " ").split("\n")
    code: str = "\n".join(line.rstrip() for line in lines)
    return code.strip("\n")


def _ends_with_newline(element: HtmlElement) -> bool:
    return bool(element.text_content().endswith("\n"))


def _language_of(pre: HtmlElement) -> str:
    """The language that a class or attribute of the block, its code, or a wrapper of only it names."""
    candidates = [*pre.iter("code"), pre]
    wrapper = pre.getparent()
    for _ in range(3):
        if wrapper is None or wrapper.tag not in ("div", "figure") or len(list(wrapper.iter("pre"))) > 1:
            break
        candidates.append(wrapper)
        wrapper = wrapper.getparent()
    for element in candidates:
        names = [element.get(name, "") for name in _LANGUAGE_ATTRIBUTES]
        names += [
            match[1] for name in element.get("class", "").split() if (match := _LANGUAGE_CLASS.match(name))
        ]
        for name in names:
            language: str = name.strip().lower()
            if re.fullmatch(r"[\w+#.-]{1,30}", language) and language not in _NO_LANGUAGE:
                return language
    return ""
