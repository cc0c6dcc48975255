"""Decides whose words a page holds, from the names it gives and the place it stands in. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from twin_common.documents import Authorship

# What publishing systems write where nobody told them a name; the words in alphabetical order.
_NO_NAMES = frozenset(
    (
        *("admin", "administrator", "anonymous", "author", "author guest", "editor", "guest", "root"),
        *("staff", "team", "unknown", "user", "webmaster"),
    )
)
_BEFORE_NAME = re.compile(
    r"^(?:(?:written|posted|published|guest post)\s+by|by|von|par|por)\s+", re.IGNORECASE
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_BETWEEN_NAMES = re.compile(r"\s*(?:[,;&|]|\band\b|\bund\b|\bet\b|\by\b)\s*", re.IGNORECASE)


def decide_authorship(
    named: Iterable[str], owner: Sequence[str], *, has_several_authors: bool = False
) -> Authorship:
    """Whose words a page holds.

    Args:
        named: the authors that the page or its listing names; a byline may hold several.
        owner: the owner's name and aliases; without any, every name is somebody else's.
        has_several_authors: whether other pages of the same place name somebody else. Where only the
            owner writes, a page without a name is theirs; here it is unclear.

    Returns:
        Owner where only the owner is named, other where only others are, unclear where both are.
    """
    known = [_words_of(name) for name in owner]
    names = [name for byline in named for name in _names_in(byline, known)]
    theirs = [any(_same(name, own) for own in known) for name in names]
    if not names:
        return Authorship.UNCLEAR if has_several_authors else Authorship.OWNER
    if all(theirs):
        return Authorship.OWNER
    return Authorship.UNCLEAR if any(theirs) else Authorship.OTHER


def _names_in(byline: str, known: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The names of a byline, each as its words; what is no name is left out."""
    text = _BEFORE_NAME.sub("", _MAIL.sub(" ", byline).strip(" \t\n()<>"))
    whole = _words_of(text)
    # "Stone, Ada" is one name and "Ada Stone, Ben Reed" are two: the owner's name tells them apart.
    parts = [whole] if whole in known else [_words_of(part) for part in _BETWEEN_NAMES.split(text)]
    return [words for words in parts if words and " ".join(words) not in _NO_NAMES]


def _words_of(name: str) -> tuple[str, ...]:
    """The words of a name without case, accents and order, so that "Stone, Ada" is "Ada Stone"."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return tuple(sorted(re.findall(r"[^\W_]+", plain)))


def _same(name: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """Whether two names are one: equal, one word run together as handles are, or with initials."""
    if name == own or (len(name) == 1 and name[0] in ("".join(own), *_orders(own))):
        return True
    return len(name) == len(own) > 1 and _agree_up_to_initials(name, own)


def _orders(own: tuple[str, ...]) -> tuple[str, ...]:
    return ("".join(reversed(own)),) if len(own) > 1 else ()


def _agree_up_to_initials(name: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """Whether every word of one stands in the other, whole or as its first letter; one stands whole."""
    left = list(own)
    whole = [word for word in name if len(word) > 1 and word in left]
    for word in whole:
        left.remove(word)
    rest = [word for word in name if word not in whole]
    initials = len(rest) == len(left) and all(
        any(min(len(word), len(other)) == 1 and word[0] == other[0] for other in left) for word in rest
    )
    return bool(whole) and initials
