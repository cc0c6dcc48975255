"""Text that a person does not see and a model does."""

import re

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Zero-width and direction marks, fillers, and the tag characters in which whole sentences can be hidden."""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNSEEN_ELEMENT = re.compile(
    r"<(?P<name>[a-z]+)\b[^>]*?(?:\bhidden\b|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0"
    r"|opacity\s*:\s*0(?![.\d])|color\s*:\s*(?:white|#fff(?:fff)?)\b)[^>]*>.*?(?:</(?P=name)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_LINK_TITLE = re.compile(r"^\[(?://|comment|_)[^\]]*\]:\s*#?\s*[\(\"'].*$", re.MULTILINE)
"""Markdown's way of writing a comment."""


def without_hidden_text(text: str) -> str:
    """The text as it would be seen; invisible joiners of words and of emoji go as well."""
    for pattern in (_INVISIBLE, _COMMENT, _UNSEEN_ELEMENT, _LINK_TITLE):
        text = pattern.sub("", text)
    return text
