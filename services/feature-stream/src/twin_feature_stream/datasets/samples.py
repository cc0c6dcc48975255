"""What a dataset is made of: passages of the owner's text, and samples whose answer is one of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from twin_common.documents import Category


class Kind(StrEnum):
    """What an instruction asks for."""

    WRITE = "write"
    CONTINUE = "continue"
    OUTLINE = "outline"
    EXPLAIN = "explain"
    POST_FROM_ARTICLE = "post_from_article"
    THREAD = "thread"
    CODE_FROM_DOCSTRING = "code_from_docstring"


@dataclass(frozen=True)
class Origin:
    """The version of a document that a sample was taken from."""

    document_id: str
    version: int
    category: Category
    title: str
    url: str
    language: str | None
    """Of prose as a language tag; of code the programming language."""
    published_at: datetime | None
    order: tuple[float, float, str]
    """Documents are told apart in time by this: a later one is greater, one without a date is the oldest."""


@dataclass(frozen=True)
class Passage:
    """A piece of a document that can stand as an answer: a section or a part of one, a post, a function."""

    origin: Origin
    place: int
    """Which passage of its document, counted from 0."""
    text: str
    heading_path: tuple[str, ...] = ()
    before: str = ""
    """The passage before it in the same section; empty at the section's beginning."""
    sentences: tuple[str, ...] = ()
    name: str = ""
    """Of code: the function's qualified name."""
    description: str = ""
    """Of code: its docstring, or the comment above it."""


@dataclass(frozen=True)
class Sample:
    """An instruction and the owner's text that answers it."""

    kind: Kind
    instruction: str
    answer: str
    origin: Origin
    place: int
    written_by: str
    """Who wrote the instruction: the rules, or a model, with the version of the prompt."""
    quality: float = 0.0
    """From 0 to 1; see `quality`."""

    @property
    def sample_id(self) -> str:
        """Equal for equal texts of the same document."""
        parts = (self.origin.document_id, self.instruction, self.answer)
        return sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Pair:
    """An instruction with the answer to learn and one to keep away from."""

    instruction: str
    chosen: str
    rejected: str
    source: str
    """`feedback` for the owner's own edit, `model` where the rejected answer was generated for this."""
    model: str
    """Who wrote the rejected answer."""
    origin: Origin | None = None
    """None for feedback: it belongs to no document."""

    @property
    def pair_id(self) -> str:
        """Equal for equal texts."""
        parts = (self.instruction, self.chosen, self.rejected)
        return sha256("\0".join(parts).encode()).hexdigest()[:16]
