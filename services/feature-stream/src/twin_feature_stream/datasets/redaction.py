"""Takes secrets and personal data out of a text before anything is learnt from it.

Every rule replaces what it finds by a placeholder in angle brackets, so that a sentence or a line of code
stays whole. Every repetition that may begin anywhere is bounded, so that no text takes long.
"""

import re
from collections import Counter

from twin_common.sensitive_text import CARD, EMAIL, IBAN, NAMED_SECRETS, SECRETS, Shape


def _is_phone(text: str) -> bool:
    return 9 <= sum(character.isdigit() for character in text) <= 15


_STREET_KIND = (
    r"(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln\.?|Boulevard|Blvd\.?|Drive|Dr\.?|Court|Ct\.?|Square|"
    r"Terrace|Parkway|Highway)"
)
_SHAPES = (
    *SECRETS,
    *NAMED_SECRETS,
    EMAIL,
    IBAN,
    CARD,
    Shape("phone", re.compile(r"(?<![\w.+/-])\+\d[\d ()./-]{7,20}\d(?![\w/])"), _is_phone),
    Shape("phone", re.compile(r"(?<![\w.+/-])\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?![\w-])")),
    Shape(
        "address",
        re.compile(
            r"\b\d{1,5}[A-Za-z]?,? (?:[NSEW]\.? )?"
            rf"(?:[A-Z0-9][\w'’-]{{0,40}},? ){{1,3}}{_STREET_KIND}(?!\w)"
            r"(?:,? (?:Apt|Suite|Unit|#)\.? ?\w+)?(?:,? [A-Z][a-z]+(?: [A-Z][a-z]+)?,? [A-Z]{2} \d{5})?"
        ),
    ),
    Shape(
        "address",
        re.compile(
            r"\b[A-ZÄÖÜ][\wäöüß-]{0,40}(?:straße|strasse|str\.|gasse|weg|allee|platz|ufer)\s\d{1,4}\s?[a-z]?\b"
            r"(?:, \d{4,5} [A-ZÄÖÜ][\wäöüß]+)?"
        ),
    ),
    Shape(
        "address",
        re.compile(
            r"\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|chemin|allée|place|impasse) "
            r"(?:de la |de l['’]|des |du |de |d['’])?[A-ZÉÈ][\w'’-]*"
        ),
    ),
    Shape("address", re.compile(r"\bP\.? ?O\.? Box \d+\b")),
)


def redact(text: str) -> tuple[str, Counter[str]]:
    """The text without secrets and personal data, and how many of which kind were taken out.

    A redacted text is not changed by redacting it again.
    """
    found: Counter[str] = Counter()
    for shape in _SHAPES:
        text, times = shape.replace(text, f"<{shape.kind.upper()}>")
        if times:
            found[shape.kind] += times
    return text, found
