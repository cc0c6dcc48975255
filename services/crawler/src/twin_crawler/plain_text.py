"""The words of a Markdown text without its syntax: what a reader sees, and nothing for renderers only."""

import re

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_TABLE_RULE = re.compile(r"\s*\|(?:\s*:?-+:?\s*\|)+\s*")
_TARGET = r"\((?:<[^<>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"\n]*\")?\)"
_IMAGE = re.compile(rf"!\[[^\]\n]*\]{_TARGET}")
LINK = re.compile(rf"\[((?:\\.|[^\[\]\n\\]|\[[^\[\]\n]*\])*)\]{_TARGET}")
_INLINE_TAG = re.compile(r"</?(?:u|sup|sub|del|s|br)\s*/?>")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINE_START = re.compile(r"\s*(?:>\s?)*\s*(?:#{1,6}\s+|[-*+]\s+)?")
_NUMBER = re.compile(r"\s*\d{1,4}\.\s+")
_EMPHASIS = re.compile(r"\*{1,3}(?=\S)(.+?)(?<=\S)\*{1,3}|~~(?=\S)(.+?)(?<=\S)~~|`([^`\n]+)`")


def plain_text(markdown: str) -> str:
    """The text of Markdown: link targets, image addresses and marks are dropped, code stays as it is."""
    lines: list[str] = []
    fence = ""
    source = markdown.split("\n")
    for position, line in enumerate(source):
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not line.strip(" `~")
            fence = "" if closes else fence
            lines += [] if closes else [line]
        elif mark:
            fence = mark[1]
        elif not _TABLE_RULE.fullmatch(line):
            lines.append(_plain_line(line, _in_numbered_list(source, position)))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _plain_line(line: str, numbered: bool) -> str:
    if line.startswith("|"):
        line = " ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
    line = _LINE_START.sub("", line, count=1)
    line = _NUMBER.sub("", line, count=1) if numbered else line
    line = LINK.sub(r"\1", _IMAGE.sub("", line))
    line = _EMPHASIS.sub(lambda found: found[1] or found[2] or found[3], _INLINE_TAG.sub("", line))
    return _ESCAPE.sub(r"\1", line).rstrip()


def _in_numbered_list(lines: list[str], position: int) -> bool:
    """Whether a number is the list's own: a neighbour has one too; a numbered sentence stands alone."""
    around = lines[max(0, position - 1) : position] + lines[position + 1 : position + 2]
    return bool(_NUMBER.match(lines[position])) and any(_NUMBER.match(line) for line in around)
