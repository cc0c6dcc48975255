"""What is remembered of one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import Field

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Record, Timestamp
from twin_common.identity import AuthorId
from twin_rag_api.generation.answer import Outcome
from twin_rag_api.generation.engines import Source
from twin_rag_api.retrieval.passages import EVERYTHING, SearchFilters


@dataclass(frozen=True)
class Asked:
    """What is known once the sources are found and before a word is written."""

    trace_id: str
    """The answer's id, as the caller is told it."""
    author_id: AuthorId
    question: str
    sources: tuple[Source, ...]
    prompt_version: str
    variants: tuple[str, ...] = ()
    """What was searched for, where that is not just the question."""
    filters: SearchFilters = EVERYTHING
    """Those that the question asked for and that found something."""
    retrieval_seconds: float = 0.0
    retrieval_steps: Mapping[str, float] = field(default_factory=dict)
    """The seconds of each step of the retrieval, by its name."""
    asked_at: datetime = field(default_factory=utc_now)


class TracedSource(Record):
    """A passage that the answer could rest on."""

    number: int
    document_id: str | None
    """None for a page that the request linked to: it is no document of the author."""
    chunk_index: int
    score: float
    is_cited: bool
    title: str | None = None
    """None where content is not kept."""
    url: str | None = None


class Times(Record):
    """How long things took, in seconds."""

    retrieval: float
    retrieval_steps: dict[str, float] = Field(default_factory=dict)
    """Of the retrieval, each step by its name; some run at the same time."""
    first_token: float | None = None
    """From the found sources to the first word."""
    generation: float
    """From the found sources to the last word."""


class Quality(Record):
    """How good an answer looks without a person."""

    sentences: int
    """Those that state something."""
    supported: int
    """Sentences whose words stand in the sources that they rest on."""
    cited: int
    """Sentences that cite a source."""
    style: float | None = None
    """Of 0 to 1: how many of the author's own passages are less typical of them than the answer is; None
    where there is too little text to tell."""


class Trace(Record):
    """One answer, as the collection `traces` holds it."""

    trace_id: str
    author_id: AuthorSlug
    asked_at: Timestamp
    outcome: Outcome
    model: str
    prompt_version: str
    question: str | None = None
    """None where content is not kept, like the other texts."""
    variants: tuple[str, ...] = ()
    filters: dict[str, str] = Field(default_factory=dict)
    """Which of the texts the question asked for; empty where content is not kept."""
    answer: str | None = None
    sources: tuple[TracedSource, ...] = ()
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    times: Times
    quality: Quality | None = None
    """None for an answer without sources, or one that was not completed."""
    otel_trace_id: str | None = None
    """Under which the spans of the request are found."""
