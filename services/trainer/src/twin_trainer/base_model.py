"""The model a training starts from: where it lies, and whether it may be trained at all."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ResolvedBase:
    """A base model on this machine that may be trained."""

    name: str
    """As it was asked for."""
    folder: Path
    """config.json, tokenizer and weights in safetensors."""
    revision: str
    """The Hub's commit, or a hash of the files."""
    licence: str | None
    """As its card names it."""
