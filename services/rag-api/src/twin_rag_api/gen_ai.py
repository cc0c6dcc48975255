"""Spans and metrics of work with models, as OpenTelemetry's conventions for generative AI name them.

https://opentelemetry.io/docs/specs/semconv/gen-ai/, so that dashboards that are made for them work.
Prometheus writes the dots of a metric's name as underscores, and its unit at the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import Histogram

_LABELS = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_TOKEN_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144)

OPERATION_SECONDS = Histogram(
    "gen_ai_client_operation_duration_seconds", "Work with a model.", _LABELS, buckets=_SECONDS
)
FIRST_TOKEN_SECONDS = Histogram(
    "gen_ai_server_time_to_first_token_seconds",
    "From the request to a model to its first words.",
    _LABELS,
    buckets=_FIRST_TOKEN_SECONDS,
)
TOKEN_USAGE = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of a request to a model.",
    (*_LABELS, "gen_ai_token_type"),
    buckets=_TOKENS,
)

PROVIDER = "twin"
"""What works with models without asking anybody else."""
Name = Literal["chat", "embeddings", "retrieval"]


class Operation:
    """Work with a model under way; `end` must follow, whatever happened."""

    def __init__(self, name: Name, provider: str, model: str, span: Span) -> None:
        self._labels = (name, provider, model)
        self._span = span
        self._started = perf_counter()
        self._has_begun = False
        span.set_attributes(
            {
                "gen_ai.operation.name": name,
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": model,
            }
        )

    @classmethod
    def start(cls, name: Name, provider: str, model: str) -> "Operation":
        """Begin under a span that is not made the current one, since the pieces of a stream outlive calls."""
        span = trace.get_tracer("twin").start_span(f"{name} {model}", kind=SpanKind.CLIENT)
        return cls(name, provider, model, span)

    def set(self, attribute: str, value: str | int | float) -> None:
        """Add something to the span."""
        self._span.set_attribute(attribute, value)

    def first_token(self) -> None:
        """The model has written something; only the first time counts."""
        if not self._has_begun:
            self._has_begun = True
            seconds = perf_counter() - self._started
            FIRST_TOKEN_SECONDS.labels(*self._labels).observe(seconds)
            self._span.set_attribute("gen_ai.response.time_to_first_chunk", seconds)

    def finished(self, reason: str) -> None:
        """Why the model stopped."""
        self._span.set_attribute("gen_ai.response.finish_reasons", [reason])

    def used(self, input_tokens: int, output_tokens: int) -> None:
        """What it cost, in the model's tokens."""
        for kind, count in (("input", input_tokens), ("output", output_tokens)):
            self._span.set_attribute(f"gen_ai.usage.{kind}_tokens", count)
            TOKEN_USAGE.labels(*self._labels, kind).observe(count)

    def failed(self, reason: str, detail: str) -> None:
        """It gave no answer, or broke off."""
        self._span.set_attribute("error.type", reason)
        self._span.set_status(Status(StatusCode.ERROR, detail))

    def end(self) -> None:
        """It is over."""
        OPERATION_SECONDS.labels(*self._labels).observe(perf_counter() - self._started)
        self._span.end()


@contextmanager
def operation(name: Name, provider: str, model: str) -> Iterator[Operation]:
    """The block as an operation, under a span that is the current one in it."""
    span = trace.get_tracer("twin").start_span(f"{name} {model}" if model else name)
    under_way = Operation(name, provider, model, span)
    try:
        with trace.use_span(span):
            yield under_way
    finally:
        under_way.end()
