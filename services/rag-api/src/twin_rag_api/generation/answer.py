"""What is known of an answer: before it is written, meanwhile, and at its end."""

from dataclasses import dataclass, field
from enum import StrEnum

from twin_rag_api.generation.engines import Finish, Notice, Source, Task, Usage
from twin_rag_api.guardrails.findings import Finding
from twin_rag_api.metrics import ANSWERS
from twin_rag_api.retrieval.passages import Found


class Outcome(StrEnum):
    """How an answer ended."""

    ANSWERED = "answered"
    NOTHING_FOUND = "nothing_found"
    """No text of the author's answers the question."""
    FALLBACK = "fallback"
    """The language model failed, and quotes stand in for it."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Whoever asked has left."""


@dataclass(frozen=True)
class Prepared:
    """A task as an engine may read it."""

    task: Task
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What an answer may rest on, and how it was found."""

    sources: tuple[Source, ...]
    found: Found


@dataclass
class Progress:
    """What becomes known of an answer while it is written."""

    engine: str
    findings: list[Finding] = field(default_factory=list)
    failure: str | None = None
    outcome: Outcome = Outcome.FAILED

    def ended(self, outcome: Outcome) -> None:
        """How the answer came out."""
        self.outcome = outcome
        ANSWERS.labels(outcome).inc()


@dataclass(frozen=True)
class AnswerEnd:
    """What is known once an answer is complete."""

    citations: tuple[Source, ...]
    usage: Usage
    finish: Finish
    outcome: Outcome
    engine: str
    """Who wrote it; where the language model failed, who took over."""
    prompt_version: str
    text: str
    """The whole answer, as its reader got it."""
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What the guardrails noticed in sources and answer."""
    failure: str | None = None
    """Why the language model's own answer is not complete, in a word."""
