"""What Prometheus is told; an author is never a label."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from twin_common.events import Rating

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

REQUEST_SECONDS = Histogram(
    "twin_http_request_duration_seconds",
    "From the request's arrival to the last byte of the answer.",
    ("method", "route", "status"),
    buckets=_SLOW,
)
REQUESTS_UNDER_WAY = Gauge("twin_http_requests_under_way", "Requests whose answer is not complete.")
RETRIEVAL_SECONDS = Histogram(
    "twin_retrieval_step_duration_seconds", "Steps of a search.", ("step",), buckets=_FAST
)
GENERATION_SECONDS = Histogram(
    "twin_generation_step_duration_seconds", "Steps of an answer.", ("step",), buckets=_SLOW
)
FIRST_TOKEN_SECONDS = Histogram(
    "twin_generation_first_token_seconds",
    "From the question to the first words of the answer.",
    ("engine",),
    buckets=_SLOW,
)
TOKENS = Counter("twin_generation_tokens_total", "Tokens read and written.", ("engine", "kind"))
ANSWERS = Counter("twin_answers_total", "Answers by how they ended.", ("outcome",))
ENGINE_FAILURES = Counter("twin_engine_failures_total", "Failures of the language model.", ("reason",))
NOTICES = Counter("twin_answer_notices_total", "What answers told about how they came to be.", ("code",))
GUARDRAIL_FINDINGS = Counter(
    "twin_guardrail_findings_total", "What the guardrails noticed, by rule and place.", ("rule", "place")
)
LINKS = Counter("twin_writing_links_total", "Linked pages by what became of them.", ("outcome",))
CITATIONS = Histogram("twin_answer_citations", "Sources that an answer cites.", buckets=(0, 1, 2, 3, 4, 5))
LOOP_DELAY_SECONDS = Histogram(
    "twin_event_loop_delay_seconds",
    "How much later than due the event loop got to what was due.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
SENTENCES = Counter(
    "twin_answer_sentences_total", "Sentences of answers, by whether their sources say so.", ("support",)
)
SENTENCES_CITED = Counter("twin_answer_sentences_cited_total", "Sentences of answers that cite a source.")
STYLE = Histogram(
    "twin_answer_style_score",
    "The share of the author's own passages that are less typical of them than the answer.",
    buckets=(0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
TRACES = Counter("twin_traces_total", "Traces of answers, by what became of them.", ("outcome",))
FILTERS = Counter(
    "twin_retrieval_filters_total",
    "Questions that ask for some of the texts.",
    ("outcome",),
)
VARIANTS = Counter("twin_retrieval_variants_total", "Other ways to put a question.", ("outcome",))
QUESTION_MODEL = Counter(
    "twin_question_model_requests_total",
    "What the language model was asked.",
    ("task", "outcome"),
)
CROSS_ENCODER = Counter(
    "twin_cross_encoder_requests_total", "Passages that the cross-encoder was to order.", ("outcome",)
)
FEEDBACK = Counter("twin_feedback_total", "What owners said of answers.", ("rating",))

# A series has to be there, at 0, before its first event: increase() does not see how a series is born.
for _outcome in ("answered", "nothing_found", "fallback", "failed"):
    ANSWERS.labels(_outcome)
for _reason in (
    "connection",
    "connect_timeout",
    "first_token_timeout",
    "next_token_timeout",
    "broken_stream",
    "empty",
    "repetition",
    "garbage",
    "prompt_leak",
    "circuit_open",
):
    ENGINE_FAILURES.labels(_reason)
for _rule, _place in (
    *((rule, "source") for rule in ("hidden_text", "secret", "false_turn", "order")),
    *((rule, "answer") for rule in ("secret", "foreign_link", "personal_data", "prompt_leak")),
):
    GUARDRAIL_FINDINGS.labels(_rule, _place)
for _code in (
    *("turns_left_out", "sources_left_out", "style_examples_left_out"),
    *("model_failed", "model_broke_off", "model_stopped", "model_paused", "cut_off", "filters_dropped"),
):
    NOTICES.labels(_code)
for _outcome in ("read", "private", "login", "unreachable", "timeout", "too_large", "unreadable"):
    LINKS.labels(_outcome)
for _support in ("supported", "unsupported"):
    SENTENCES.labels(_support)
for _outcome in ("kept", "dropped"):
    TRACES.labels(_outcome)
for _outcome in ("kept", "dropped"):
    FILTERS.labels(_outcome)
for _outcome in ("used", "strayed"):
    VARIANTS.labels(_outcome)
for _outcome in ("done", "timeout", "failed", "paused"):
    CROSS_ENCODER.labels(_outcome)
for _task in ("self_query", "query_expansion"):
    for _outcome in ("done", "timeout", "unreadable", "failed", "paused"):
        QUESTION_MODEL.labels(_task, _outcome)
for _rating in (*Rating, "edit"):
    FEEDBACK.labels(str(_rating))


_steps: ContextVar[dict[str, float] | None] = ContextVar("steps", default=None)
_LOOK_SECONDS = 0.01


@contextmanager
def timed(histogram: Histogram, step: str) -> Iterator[None]:
    """Observe how long the block takes, also when it raises."""
    started = perf_counter()
    try:
        yield
    finally:
        seconds = perf_counter() - started
        histogram.labels(step).observe(seconds)
        if (steps := _steps.get()) is not None:
            steps[step] = steps.get(step, 0.0) + seconds


@contextmanager
def noting_steps() -> Iterator[dict[str, float]]:
    """The seconds of every step that is timed inside the block, and in tasks started there, by its name."""
    steps: dict[str, float] = {}
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def server_timing(steps: dict[str, float]) -> str:
    """A `Server-Timing` header (W3C), which browsers show beside the request; milliseconds."""
    return ", ".join(f"{step};dur={1000 * seconds:.3f}" for step, seconds in steps.items())


async def watch_event_loop() -> None:
    """Look again and again how late the loop is, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
        LOOP_DELAY_SECONDS.observe(max(0.0, loop.time() - due))
