"""What Prometheus is told; an author is never a label."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

REQUEST_SECONDS = Histogram(
    "twin_http_request_duration_seconds",
    "From the request's arrival to the last byte of the answer.",
    ("method", "route", "status"),
    buckets=_SLOW,
)
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


@contextmanager
def timed(histogram: Histogram, step: str) -> Iterator[None]:
    """Observe how long the block takes, also when it raises."""
    started = perf_counter()
    try:
        yield
    finally:
        histogram.labels(step).observe(perf_counter() - started)
