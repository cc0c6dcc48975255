"""What opens something, by its shape: it has no place in a prompt, nor in an answer."""

from twin_common.sensitive_text import SECRETS

REPLACEMENT = "[secret]"


def without_secrets(text: str) -> str:
    """The text with keys, tokens and passwords in addresses replaced."""
    for shape in SECRETS:
        text, _ = shape.replace(text, REPLACEMENT)
    return text
