"""Where the text behind a link is, for sites whose pages are made for browsers."""

import re
from collections.abc import Callable

_PLAIN: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"https?://(?:www\.)?github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/blob/(.+)"),
        lambda match: f"https://raw.githubusercontent.com/{match[1]}/{match[2]}/{match[3]}",
    ),
    (
        re.compile(r"https?://(?:www\.)?github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?(?:tree/[\w./-]+)?"),
        lambda match: f"https://raw.githubusercontent.com/{match[1]}/{match[2]}/HEAD/README.md",
    ),
    (
        re.compile(r"https?://gitlab\.com/((?:[\w.-]+/)+[\w.-]+?)(?:\.git)?/-/blob/(.+)"),
        lambda match: f"https://gitlab.com/{match[1]}/-/raw/{match[2]}",
    ),
    (
        re.compile(r"https?://gitlab\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?"),
        lambda match: f"https://gitlab.com/{match[1]}/-/raw/HEAD/README.md",
    ),
    (
        re.compile(r"https?://codeberg\.org/([\w.-]+/[\w.-]+?)(?:\.git)?/?"),
        lambda match: f"https://codeberg.org/{match[1]}/raw/HEAD/README.md",
    ),
    (
        re.compile(r"https?://(?:www\.)?arxiv\.org/abs/([\w./-]+)"),
        lambda match: f"https://arxiv.org/pdf/{match[1]}",
    ),
)


def readable_address(url: str) -> str:
    """The address of the text itself: a repository's README, a file as it is, a paper's PDF."""
    plain = url.partition("#")[0]
    for pattern, rewrite in _PLAIN:
        if match := pattern.fullmatch(plain.partition("?")[0]):
            return rewrite(match)
    return plain
