"""Personal data and secrets are replaced before a text is kept; each kind by its name in brackets."""

from collections.abc import Callable

from twin_common.sensitive_text import CARD, EMAIL, IBAN, NAMED_SECRETS, SECRETS
from twin_rag_api.guardrails.personal_data import TELEPHONE

Redact = Callable[[str], str]

_PLACEHOLDERS = (
    *((shape, "[key]") for shape in (*SECRETS, *NAMED_SECRETS)),
    (EMAIL, "[e-mail]"),
    (IBAN, "[account]"),
    (CARD, "[card]"),
    (TELEPHONE, "[phone]"),
)


def redacted(text: str) -> str:
    """The text without secrets, mail addresses, bank accounts, cards and international phone numbers."""
    for shape, placeholder in _PLACEHOLDERS:
        text, _ = shape.replace(text, placeholder)
    return text


def unchanged(text: str) -> str:
    """The text as it is, where nothing is to be replaced."""
    return text
