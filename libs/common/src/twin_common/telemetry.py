"""JSON logs, Prometheus metrics and OpenTelemetry traces, set up alike in every service."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Literal

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind
from pydantic_settings import BaseSettings, SettingsConfigDict

from twin_common.configuration import read


class TelemetrySettings(BaseSettings):
    """How a service reports; read from the variables that OpenTelemetry names, and `LOG_*`."""

    model_config = SettingsConfigDict(populate_by_name=True, use_attribute_docstrings=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much is logged."""
    otel_exporter_otlp_endpoint: str | None = None
    """Where spans go; without it they are made and handed on, but exported nowhere."""


def configure(service: str, settings: TelemetrySettings | None = None) -> None:
    """Send logs as JSON lines to standard output, and start tracing, for this process."""
    settings = settings or read(TelemetrySettings)
    _configure_logs(service, settings.log_level)
    _configure_traces(service, settings.otel_exporter_otlp_endpoint)


def current_traceparent() -> str | None:
    """The W3C trace context of the span under way, to be handed on with a message."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(
    name: str,
    traceparent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: Any,
) -> Iterator[trace.Span]:
    """A span around a piece of work, below `traceparent` where one came with the message."""
    parent = propagate.extract({"traceparent": traceparent}) if traceparent else None
    tracer = trace.get_tracer("twin")
    with tracer.start_as_current_span(name, context=parent, kind=kind, attributes=attributes) as current:
        yield current


def _configure_logs(service: str, level: str) -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda _, __, entry: {"service": service, **entry},
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx", "httpcore", "aiokafka", "pymongo"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _add_trace(_: Any, __: str, entry: dict[str, Any]) -> dict[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = f"{context.trace_id:032x}"
    return entry


def _configure_traces(service: str, endpoint: str | None) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    resource = Resource.create(
        {
            "service.name": f"twin-{service}",
            "service.version": version(f"twin-{service}"),
            "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
        }
    )
    provider = TracerProvider(resource=resource)
    if endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
