"""What was asked and answered, for the author to look at."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from twin_common.events import FeedbackGiven, Rating
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.generation.answer import Outcome
from twin_rag_api.paging import Place
from twin_rag_api.traces.store import TraceFilters
from twin_rag_api.traces.trace import Quality, Times, Trace, TracedSource

router = APIRouter(prefix="/v1", tags=["traces"])


class TraceQuery(BaseModel):
    """Which traces are listed; what is left out filters nothing."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    outcome: Outcome | None = None
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    rating: Rating | None = None
    """That the owner gave the answer."""
    text: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """In the question or the answer, whatever the case."""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """Strictly earlier than this moment."""
    limit: int = Field(50, ge=1, le=200)
    after: Annotated[str, Field(max_length=100)] | None = None
    """`next` of the page before."""


class TraceFeedback(BaseModel):
    """What the owner said of the answer, last."""

    feedback_id: str
    rating: Rating | None
    edit: str | None
    comment: str | None
    given_at: datetime


class TraceEntry(BaseModel):
    """An answer in a list."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    trace_id: str
    """The `id` of the completion."""
    asked_at: datetime
    outcome: Outcome
    question: str | None
    """null where content is not kept."""
    model: str
    input_tokens: int
    output_tokens: int
    times: Times
    quality: Quality | None
    rating: Rating | None
    is_edited: bool
    """Whether the owner wrote how they would have put it."""


class TraceList(BaseModel):
    """A page of traces, newest first."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    traces: list[TraceEntry]
    next: str | None
    """Send it as `after` for the page behind this one; null: this is the last one."""
    retention_days: int
    """After this many days a trace is forgotten."""


class TraceDetail(TraceEntry):
    """An answer whole."""

    variants: list[str]
    """What was searched for, where that is not just the question."""
    filters: dict[str, str]
    """Which of the texts the question asked for, such as {"platform": "linkedin"}."""
    sources: list[TracedSource]
    prompt_version: str
    answer: str | None
    finish_reason: str | None
    otel_trace_id: str | None
    feedback: TraceFeedback | None


@router.get("/traces")
async def list_traces(
    scope: Scope, resources: ServiceResources, query: Annotated[TraceQuery, Query()]
) -> TraceList:
    """The author's questions and how they were answered, newest first."""
    filters = TraceFilters(**query.model_dump(exclude={"limit", "after"}))
    place = Place.parse(query.after) if query.after is not None else None
    traces = await resources.traces.page(scope, filters, place, query.limit)
    feedback = await resources.warehouse.feedback.on(scope.author_id, [trace.trace_id for trace in traces])
    last = traces[-1] if len(traces) == query.limit else None
    return TraceList(
        traces=[TraceEntry(**_entry(trace, feedback.get(trace.trace_id))) for trace in traces],
        next=str(Place(last.asked_at, last.trace_id)) if last else None,
        retention_days=resources.settings.trace_retention_days,
    )


@router.get("/traces/{trace_id}")
async def get_trace(
    scope: Scope, resources: ServiceResources, trace_id: Annotated[str, Path(max_length=100)]
) -> TraceDetail:
    """One answer: what was searched for, found, written and said of it, and how long each step took."""
    trace = await resources.traces.one(scope, trace_id)
    given = (await resources.warehouse.feedback.on(scope.author_id, [trace_id])).get(trace_id)
    return TraceDetail(
        **_entry(trace, given),
        variants=list(trace.variants),
        filters=trace.filters,
        sources=list(trace.sources),
        prompt_version=trace.prompt_version,
        answer=trace.answer,
        finish_reason=trace.finish_reason,
        otel_trace_id=trace.otel_trace_id,
        feedback=TraceFeedback(**dict(given)) if given else None,
    )


def _entry(trace: Trace, given: FeedbackGiven | None) -> dict[str, object]:
    shared = TraceEntry.model_fields.keys() & Trace.model_fields.keys()
    return {
        **{name: getattr(trace, name) for name in shared},
        "rating": given.rating if given else None,
        "is_edited": bool(given and given.edit),
    }
