"""Takes secrets and personal data out of a text before anything is learnt from it.

Every rule replaces what it finds by a placeholder in angle brackets, so that a sentence or a line of code
stays whole. Every repetition that may begin anywhere is bounded, so that no text takes long. Rules of
providers' keys follow the prefixes that the providers publish.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import log2

_LEAST_ENTROPY = 3.0
"""Bits a character; a word that a person thought of as an example has less."""


@dataclass(frozen=True)
class _Rule:
    name: str
    pattern: re.Pattern[str]
    accept: Callable[[str], bool] = lambda _: True


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


def _is_card(text: str) -> bool:
    """Luhn's check of a card number."""
    digits = [int(character) for character in text if character.isdigit()][::-1]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_phone(text: str) -> bool:
    return 9 <= sum(character.isdigit() for character in text) <= 15


_STREET_KIND = (
    r"(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln\.?|Boulevard|Blvd\.?|Drive|Dr\.?|Court|Ct\.?|Square|"
    r"Terrace|Parkway|Highway)"
)
_PREFIXED_KEY = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{40,}|glpat-[\w-]{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{35}|sk-(?:ant-|proj-)?[\w-]{20,}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"
    r"|hf_[0-9A-Za-z]{30,}|npm_[0-9A-Za-z]{36}|pypi-[\w-]{40,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|dop_v1_[0-9a-f]{64}|\d{8,10}:AA[\w-]{33}"
)
_ASSIGNED = (
    r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth|credential)"
    r"[\w-]{0,40}[\"']?\s{0,9}(?::=|[:=]|=>)\s{0,9}"
)
_VALUE = r"(?P<value>[\w+/=.~!@#$%^&*-]{12,})"

_RULES = (
    _Rule(
        "private_key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S
        ),
    ),
    _Rule("secret", re.compile(rf"(?<![\w-])(?:{_PREFIXED_KEY})")),
    _Rule("token", re.compile(r"(?<!\w)eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]*")),
    _Rule("token", re.compile(r"(?i)\bbearer\s+(?P<value>[\w.~+/=-]{16,})"), _is_random),
    _Rule("password", re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@]{0,100}:(?P<value>[^\s/@<]{3,200})@")),
    _Rule("secret", re.compile(_ASSIGNED + r"[\"']" + _VALUE), _is_no_word),
    _Rule("secret", re.compile(_ASSIGNED + _VALUE), _is_random_with_digit),
    _Rule("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])")),
    _Rule("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b")),
    _Rule("card", re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])"), _is_card),
    _Rule("phone", re.compile(r"(?<![\w.+/-])\+\d[\d ()./-]{7,20}\d(?![\w/])"), _is_phone),
    _Rule("phone", re.compile(r"(?<![\w.+/-])\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?![\w-])")),
    _Rule(
        "address",
        re.compile(
            r"\b\d{1,5}[A-Za-z]?,? (?:[NSEW]\.? )?"
            rf"(?:[A-Z0-9][\w'’-]{{0,40}},? ){{1,3}}{_STREET_KIND}(?!\w)"
            r"(?:,? (?:Apt|Suite|Unit|#)\.? ?\w+)?(?:,? [A-Z][a-z]+(?: [A-Z][a-z]+)?,? [A-Z]{2} \d{5})?"
        ),
    ),
    _Rule(
        "address",
        re.compile(
            r"\b[A-ZÄÖÜ][\wäöüß-]{0,40}(?:straße|strasse|str\.|gasse|weg|allee|platz|ufer)\s\d{1,4}\s?[a-z]?\b"
            r"(?:, \d{4,5} [A-ZÄÖÜ][\wäöüß]+)?"
        ),
    ),
    _Rule(
        "address",
        re.compile(
            r"\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|chemin|allée|place|impasse) "
            r"(?:de la |de l['’]|des |du |de |d['’])?[A-ZÉÈ][\w'’-]*"
        ),
    ),
    _Rule("address", re.compile(r"\bP\.? ?O\.? Box \d+\b")),
)


def redact(text: str) -> tuple[str, Counter[str]]:
    """The text without secrets and personal data, and how many of which kind were taken out.

    A redacted text is not changed by redacting it again.
    """
    found: Counter[str] = Counter()
    for rule in _RULES:

        def replacement(match: re.Match[str], rule: _Rule = rule) -> str:
            group = "value" if "value" in rule.pattern.groupindex else 0
            if not rule.accept(match[group]):
                return match[0]
            found[rule.name] += 1
            start, end = match.start(group) - match.start(), match.end(group) - match.start()
            return f"{match[0][:start]}<{rule.name.upper()}>{match[0][end:]}"

        text = rule.pattern.sub(replacement, text)
    return text, found
