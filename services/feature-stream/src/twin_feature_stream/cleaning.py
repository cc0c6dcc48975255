"""Text as it was written, without what no reader sees.

Apostrophes, code, addresses and paragraph breaks stay: they carry the author's voice and meaning. Cleaning
a clean text changes nothing.
"""

import re
import unicodedata

from twin_common.documents import Category, normalise_text
from twin_feature_stream.markdown import lines

_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029\x85]")
# Controls except tab and newline, zero-width and direction marks, soft hyphens, tags, halves of surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Joiners mean something between letters of some scripts and inside emoji, and nothing beside ASCII.
_STRAY_JOINER = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")
_WIDE_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INLINE_DATA = re.compile(r"(!\[[^\]\n]*\]\()data:[^)\s]*(\))")
_CODE_SPACES_OR_ESCAPE = re.compile(
    r"(?P<code>(?P<marks>`+)[^`\n]+(?P=marks))"
    r"|(?P<spaces>(?<=\S)[ \t]{2,}|(?<=\S)\t)"
    # Markdown's escapes hide words from a search; at the start of a line one may keep a heading away.
    r"|(?<=[^\n\\])\\(?P<escaped>[_*.\[\]])"
)
# Letters of the mathematical alphabets stand for bold and italics where a site allows no Markdown.
_STYLED = re.compile("[\U0001d400-\U0001d7ff]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def clean(text: str, category: Category) -> str:
    """The text that is stored for training and cut into chunks; empty when nothing is left.

    Args:
        text: Markdown, or the source code of one file.
        category: a code document keeps all its spaces and blank lines.
    """
    text = _without_invisible(text)
    if category is Category.CODE:
        return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    text = normalise_text(text)
    pieces: list[str] = []
    prose: list[str] = []
    for line in lines(text):
        content = text[line.start : line.end]
        if not line.fenced:
            prose.append(content)
            continue
        if prose:
            pieces.append(_clean_prose("\n".join(prose)))
            prose = []
        pieces.append(content)
    if prose:
        pieces.append(_clean_prose("\n".join(prose)))
    return normalise_text("\n".join(pieces))


def clean_line(text: str) -> str:
    """A title or heading on one line."""
    return " ".join(_without_invisible(text).split())


def _without_invisible(text: str) -> str:
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    return _STRAY_JOINER.sub("", text)


def _clean_prose(text: str) -> str:
    text = _INLINE_DATA.sub(r"\1\2", _WIDE_SPACE.sub(" ", text))
    text = _STYLED.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    text = _CODE_SPACES_OR_ESCAPE.sub(lambda found: found["code"] or found["escaped"] or " ", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text)
