"""Secrets and personal data by their shape: what no service may show, keep or learn from.

Every repetition that may begin anywhere is bounded, so that no text takes long. Shapes of providers' keys
follow the prefixes that the providers publish. What a service puts in the place of each is its own choice.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import log2

_PLACEHOLDER = re.compile(r"<[A-Z_]+>")
_LEAST_ENTROPY = 3.0
"""Bits a character; a word that a person thought of as an example has less."""


@dataclass(frozen=True)
class Shape:
    """What something looks like that is to be taken out; if only a part of it, the group `value`."""

    kind: str
    pattern: re.Pattern[str]
    accept: Callable[[str], bool] = lambda _: True
    """Looks closer at what the pattern found."""

    def replace(self, text: str, placeholder: str) -> tuple[str, int]:
        """The text with `placeholder` wherever the shape was found, and how often that was."""
        found = 0
        group = "value" if "value" in self.pattern.groupindex else 0

        def replacement(match: re.Match[str]) -> str:
            nonlocal found
            if not self.accept(match[group]):
                return match[0]
            found += 1
            start, end = match.start(group) - match.start(), match.end(group) - match.start()
            return f"{match[0][:start]}{placeholder}{match[0][end:]}"

        return self.pattern.sub(replacement, text), found


def _entropy(text: str) -> float:
    return -sum(n / len(text) * log2(n / len(text)) for n in Counter(text).values())


def _is_random(text: str) -> bool:
    return _entropy(text) >= _LEAST_ENTROPY


def _is_random_with_digit(text: str) -> bool:
    return _is_random(text) and any(character.isdigit() for character in text)


def _is_no_word(text: str) -> bool:
    """What stands in quotes: random, with a digit or both cases, unlike your-key-goes-here."""
    mixed = text != text.lower() and text != text.upper()
    return _is_random_with_digit(text) or (mixed and _is_random(text))


def _is_whole(text: str) -> bool:
    """Nothing was taken out of it before, so that a second pass over a text changes nothing."""
    return _PLACEHOLDER.search(text) is None


def _is_card(text: str) -> bool:
    """Luhn's check of a card number."""
    digits = [int(character) for character in text if character.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


_PREFIXED_KEY = (
    r"twin_[\w-]{20,}|sk-[\w-]{16,}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|gh[pousr]_[0-9A-Za-z]{20,}"
    r"|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{35}"
    r"|hf_[0-9A-Za-z]{20,}|npm_[0-9A-Za-z]{30,}|pypi-[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|dop_v1_[0-9a-f]{64}|\d{8,10}:AA[\w-]{33}"
)
_ASSIGNED = (
    r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth|credential)"
    r"[\w-]{0,40}[\"']?\s{0,9}(?::=|[:=]|=>)\s{0,9}"
)
_VALUE = r"(?P<value>[\w+/=.~!@#$%^&*-]{12,})"

SECRETS = (
    Shape(
        "private_key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S
        ),
    ),
    Shape("secret", re.compile(rf"(?<!\w)(?:{_PREFIXED_KEY})")),
    Shape("token", re.compile(r"(?<!\w)eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]*")),
    Shape("password", re.compile(r"(?<=://)[^\s/:@]{0,100}:[^\s/@]{1,200}(?=@)"), _is_whole),
)
"""Known by themselves, wherever they stand."""

NAMED_SECRETS = (
    Shape("token", re.compile(r"(?i)\bbearer\s+(?P<value>[\w.~+/=-]{16,})"), _is_random),
    Shape("secret", re.compile(_ASSIGNED + r"[\"']" + _VALUE), _is_no_word),
    Shape("secret", re.compile(_ASSIGNED + _VALUE), _is_random_with_digit),
)
"""Known by the word before them, so only in a text that is whole."""

EMAIL = Shape("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"))
IBAN = Shape("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"))
CARD = Shape("card", re.compile(r"(?<!\w)(?<!\d\.)\d(?:[ -]?\d){12,18}(?!\.?\d)(?!\w)"), _is_card)
