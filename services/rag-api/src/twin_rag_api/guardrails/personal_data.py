"""Ways to reach or to charge a person: e-mail addresses, telephone numbers, bank accounts and cards."""

import re
from dataclasses import replace

from twin_common.sensitive_text import CARD, EMAIL, IBAN, Shape


def _is_iban(text: str) -> bool:
    """ISO 13616: letters count from ten, the first four signs go last, and 97 leaves 1."""
    signs = text.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


TELEPHONE = Shape(
    "telephone",
    re.compile(r"(?<![\w.])(?:\+|00)\d{1,3}[ ./-]?(?:\(?\d{1,4}\)?[ ./-]?){2,5}\d{2,4}(?![\w-])"),
)
_PLACEHOLDERS = (
    (EMAIL, "[e-mail address]"),
    (replace(IBAN, accept=_is_iban), "[account]"),
    (CARD, "[card]"),
    (TELEPHONE, "[telephone number]"),
)


def without_personal_data(text: str) -> str:
    """The text with each of them replaced by what it was."""
    for shape, placeholder in _PLACEHOLDERS:
        text, _ = shape.replace(text, placeholder)
    return text
