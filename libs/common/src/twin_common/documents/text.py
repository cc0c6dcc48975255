"""When two texts are the same."""

import unicodedata
from collections.abc import Iterable
from hashlib import sha256


def normalise_text(text: str) -> str:
    """Unicode NFC, one kind of line end, no white space at line ends or around the whole."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def text_hash(text: str) -> str:
    """sha256 of a chunk's text: equal hashes may share a vector."""
    return sha256(text.encode()).hexdigest()


def hash_of_chunks(text_hashes: Iterable[str]) -> str:
    """sha256 over the text hashes of a document's chunks, in their order."""
    return sha256("\n".join(text_hashes).encode()).hexdigest()
