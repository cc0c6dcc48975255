"""Takes what is not the article out of its extracted Markdown: the title again, bylines, teasers, pleas.

A main-content extractor decides by the page's structure; what it lets through is told by wording, by the
share of link text, and by where it stands. The thresholds were tuned on public evaluation pages.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from twin_crawler.plain_text import LINK, plain_text

_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?…:;。！？।][\"'”’»)\]]*$")


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list, table or fence of Markdown."""

    markdown: str

    @cached_property
    def text(self) -> str:
        """Its words without Markdown's marks."""
        return plain_text(self.markdown)

    @cached_property
    def words(self) -> list[str]:
        """Its words in lower case."""
        return _WORD.findall(self.text.lower())

    @property
    def is_code(self) -> bool:
        """Whether it is a fence, which is never boilerplate."""
        return self.markdown.startswith(("```", "~~~"))

    @property
    def is_heading(self) -> bool:
        """Whether it is a heading of any level."""
        return self.markdown.startswith("#")

    @property
    def is_list(self) -> bool:
        """Whether every line of it is an item."""
        return all(re.match(r"\s*(?:[-*+]|\d+\.)\s", line) for line in self.markdown.split("\n"))

    @cached_property
    def link_share(self) -> float:
        """The share of its words that stand inside links."""
        linked = sum(len(_WORD.findall(plain_text(found[1]))) for found in LINK.finditer(self.markdown))
        return linked / len(self.words) if self.words else 0.0


def split_blocks(markdown: str) -> list[Block]:
    """The blocks of a text in their order; a fence with blank lines is one block."""
    blocks: list[Block] = []
    lines: list[str] = []
    fence = ""
    for line in [*markdown.split("\n"), ""]:
        mark = re.match(r"(`{3,}|~{3,})", line)
        if fence:
            lines.append(line)
            fence = "" if mark and mark[1].startswith(fence) and not line.strip("`~ ") else fence
            continue
        if mark:
            fence = mark[1]
        if line.strip():
            lines.append(line)
        elif lines:
            blocks.append(Block("\n".join(lines)))
            lines = []
    return blocks + ([Block("\n".join(lines))] if lines else [])


_OPENING = 8  # blocks in which the title, the byline and the breadcrumbs are looked for
_SHORT_LINE = 14  # words; a byline, a caption's credit or a button has no more
_SHORT_PARAGRAPH = 60  # words; a teaser has no more
_LONGEST_PLEA = 35  # words; more than that, and a mention of cookies is about cookies

_BYLINE = re.compile(
    r"\s*(?:by|von|por|par|di|door|av|written by|posted (?:by|on|in)|published(?: on| by)?"
    r"|updated(?: on)?|last (?:updated|modified|reviewed)|reviewed by|author|aktualisiert|stand"
    r"|veröffentlicht|publié|publicado|modified|medically reviewed|fact checked|reading time|lesezeit"
    r"|image|photo|foto|picture|credit|source image|image credit|photo credit|getty images"
    r"|shutterstock|share|tweet|listen|print|save|comments?)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}|(?:jan|feb|mar|mär|apr|may|mai|jun|jul"
    r"|aug|sep|okt|oct|nov|dec|dez)\w*\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{1,2}\.?\s+(?:jan|feb"
    r"|mar|mär|apr|may|mai|jun|jul|aug|sep|okt|oct|nov|dec|dez)\w*\.?,?\s+\d{4}"
    r"|\d+\s*min(?:ute)?s?\.?\s+(?:read|lesezeit))",
    re.IGNORECASE,
)
_TEASER = re.compile(
    r"\W*(?:read (?:more|next|also|the full|this next|our)|see also|also read|related(?: (?:articles?"
    r"|posts?|stories|content|reading|links?|topics?|news|coverage))?\s*(?::|$)|more (?:from|on this"
    r"|about|stories|coverage|like this)|you (?:may|might) (?:also|like)|recommended|don't miss"
    r"|must read|trending|most (?:read|popular)|watch(?: now)?\s*:|listen(?: now)?\s*:"
    r"|lesen sie (?:auch|mehr|hier)|mehr zum thema|mehr dazu|lies auch|auch interessant|lesen sie"
    r"|lire aussi|à lire|a lire|lea también|lee también|leggi anche|lees ook|leia (?:também|mais)"
    r"|läs (?:också|mer)|les også|læs også|czytaj (?:też|także|również)|читайте также|ähnliche"
    r"|advertisement|anzeige|werbung|publicidad|publicité|skip (?:to|advert)|article continues below"
    r"|story continues|continue reading|keep reading)",
    re.IGNORECASE,
)
_PLEA = re.compile(
    r"\b(?:(?:sign|signing) up (?:for|to|now|here|today)|subscribe (?:to|now|here|today|for)"
    r"|our (?:free |daily |weekly )*newsletter|(?:daily|weekly|free) newsletter|in(?:to)? your inbox"
    r"|follow (?:us|me|@?\w+ on)\b|like us on|join our|join (?:the )?(?:conversation|discussion)"
    r"|share (?:this|on|via)|click here to (?:subscribe|sign|read|share)|all rights reserved|©"
    r"|cookie(?:s)? (?:policy|settings|to)|privacy policy|terms of (?:use|service)|support our"
    r"|become a (?:member|subscriber|patron)|download (?:the|our) app|affiliate (?:links?|commission)"
    r"|earn (?:a |an )?(?:affiliate )?commission|log ?in (?:to|or)|create an account"
    r"|leave a (?:comment|reply)|newsletter abonnieren|jetzt abonnieren|abonnieren sie|folgen sie uns"
    r"|folge uns|abonnez-vous|suscr[ií]bete|do you have a (?:story|tip)|get in touch"
    r"|first published (?:on|in|by)|originally (?:published|appeared)|republished (?:from|with)"
    r"|back to (?:top|blog|all)|skip to (?:content|main))",
    re.IGNORECASE,
)


def trim_boilerplate(markdown: str, titles: Iterable[str], author: str | None = None) -> str:
    """The article's blocks of an extracted text.

    Args:
        markdown: what the main-content extraction gave.
        titles: how the page names itself: headings of first level, OpenGraph, JSON-LD.
        author: whom the page names as the author, for the byline.
    """
    blocks = split_blocks(markdown)
    blocks = _without_opening(blocks, [_key(title) for title in titles], author)
    kept = [block for block in blocks if not _is_teaser(block)]
    while kept and kept[-1].is_heading:
        kept.pop()
    return "\n\n".join(block.markdown for block in kept)


def _key(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _names(block: Block, title: list[str]) -> bool:
    """Whether a block is the page's title, perhaps with its section before or the site's name behind."""
    if not block.words or not title or block.is_code:
        return False
    if block.words == title:
        return True
    shorter, longer = sorted((block.words, title), key=len)
    if len(shorter) < 4 or len(shorter) < 0.6 * len(longer):
        return False
    return " ".join(shorter) in " ".join(longer)


def _without_opening(blocks: Sequence[Block], titles: list[list[str]], author: str | None) -> list[Block]:
    """Leave out the title with the lines before it, then the byline, the date and the breadcrumbs."""
    kept = list(blocks)
    for position, block in enumerate(kept[:_OPENING]):
        if any(_names(block, title) for title in titles):
            kept = [line for line in kept[:position] if _is_sentence(line)] + kept[position + 1 :]
            break
    name = _key(author or "")
    opening = [block for block in kept[:_OPENING] if not _is_byline(block, name)]
    return opening + kept[_OPENING:]


def _is_sentence(block: Block) -> bool:
    return len(block.words) > _SHORT_LINE and bool(_SENTENCE_END.search(block.text))


def _is_byline(block: Block, author: list[str]) -> bool:
    """A short line, no sentence and no list, that names the author, a date, or a button's label."""
    if block.is_code or block.is_heading or block.is_list or not 0 < len(block.words) <= _SHORT_LINE:
        return False
    if _SENTENCE_END.search(block.text):
        return False
    named = bool(author) and " ".join(author) in " ".join(block.words) and len(block.words) <= len(author) + 6
    return named or bool(_BYLINE.match(block.text) or _DATE.search(block.text))


def _is_teaser(block: Block) -> bool:
    """A link to another text, or a plea to subscribe, that stands between the paragraphs."""
    if block.is_code or block.is_heading or not block.words:
        return False
    count = len(block.words)
    if _TEASER.match(block.text) and (count <= 4 or (block.link_share > 0.4 and count <= _SHORT_PARAGRAPH)):
        return True
    if block.is_list or block.markdown.startswith("|"):
        return False
    if block.link_share > 0.95 and count >= 4:
        return True
    return count <= _LONGEST_PLEA and bool(_PLEA.search(block.text))
