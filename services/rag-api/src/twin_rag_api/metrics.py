"""What Prometheus is told; an author is never a label."""

from collections.abc import Iterator
from contextlib import contextmanager
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
CITATIONS = Histogram("twin_answer_citations", "Sources that an answer cites.", buckets=(0, 1, 2, 3, 4, 5))
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
FEEDBACK = Counter("twin_feedback_total", "What owners said of answers.", ("rating",))

# A series has to be there, at 0, before its first event: increase() does not see how a series is born.
for _outcome in ("answered", "nothing_found", "fallback"):
    ANSWERS.labels(_outcome)
for _reason in (
    "connection",
    "connect_timeout",
    "first_token_timeout",
    "next_token_timeout",
    "broken_stream",
    "empty",
):
    ENGINE_FAILURES.labels(_reason)
for _support in ("supported", "unsupported"):
    SENTENCES.labels(_support)
for _outcome in ("kept", "dropped"):
    TRACES.labels(_outcome)
for _rating in (*Rating, "edit"):
    FEEDBACK.labels(str(_rating))


@contextmanager
def timed(histogram: Histogram, step: str) -> Iterator[None]:
    """Observe how long the block takes, also when it raises."""
    started = perf_counter()
    try:
        yield
    finally:
        histogram.labels(step).observe(perf_counter() - started)
