"""What opens something, by its shape: it has no place in a prompt, nor in an answer."""

import re

REPLACEMENT = "[secret]"
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:twin_[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
    r"|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w-]{35}|hf_[A-Za-z0-9]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"
    r"|(?<=://)[^\s/:@]{1,100}:[^\s/@]{1,200}(?=@)",
    re.DOTALL,
)


def without_secrets(text: str) -> str:
    """The text with keys, tokens and passwords in addresses replaced."""
    return _SECRET.sub(REPLACEMENT, text)
