"""The contracts for readers of other languages: a JSON Schema an event, and an AsyncAPI document.

`python -m twin_common.contracts DIR` writes them; they are committed, and a test compares them with the code.
"""

import argparse
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from twin_common.events import CONTENT_TYPE, EVENTS, Event, schema_id
from twin_common.topics import (
    ALL_TOPICS,
    CRAWL_REQUESTS,
    CRAWL_REQUESTS_DEAD,
    CRAWL_RUNS,
    DATASETS_READY,
    DATASETS_READY_DEAD,
    DOCUMENT_CHANGES,
    DOCUMENT_CHANGES_DEAD,
    DOCUMENTS_INDEXED,
    FEEDBACK,
    MODELS_LIFECYCLE,
    Topic,
)

ASYNCAPI = "asyncapi.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_KAFKA_BINDING = "0.5.0"


@dataclass(frozen=True)
class _Flow:
    """What a service does with a topic."""

    service: str
    action: Literal["send", "receive"]
    topic: Topic


_FLOWS = (
    _Flow("rag-api", "send", CRAWL_REQUESTS),
    _Flow("rag-api", "send", FEEDBACK),
    _Flow("twin", "send", CRAWL_REQUESTS),
    _Flow("crawler", "receive", CRAWL_REQUESTS),
    _Flow("crawler", "send", CRAWL_REQUESTS_DEAD),
    _Flow("crawler", "send", CRAWL_RUNS),
    _Flow("cdc", "send", DOCUMENT_CHANGES),
    _Flow("feature-stream", "send", DOCUMENT_CHANGES),
    _Flow("feature-stream", "receive", DOCUMENT_CHANGES),
    _Flow("feature-stream", "send", DOCUMENT_CHANGES_DEAD),
    _Flow("feature-stream", "send", DOCUMENTS_INDEXED),
    _Flow("feature-stream", "send", DATASETS_READY),
    _Flow("trainer", "receive", DATASETS_READY),
    _Flow("trainer", "send", DATASETS_READY_DEAD),
    _Flow("trainer", "send", MODELS_LIFECYCLE),
    _Flow("rag-api", "send", MODELS_LIFECYCLE),
)

_CLOUDEVENTS_HEADERS = {
    "ce_specversion": "The version of CloudEvents.",
    "ce_id": "Unique for one source; equal ids mean the same event sent again.",
    "ce_source": "Who says so, such as /twin/cdc.",
    "ce_type": "The event's type, whose last part is the major version.",
    "ce_dataschema": "The schema of the value, as its $id names it.",
    "ce_subject": "The same as the key.",
    "ce_time": "When it was sent, RFC 3339.",
    "content-type": "How the value is written.",
    "traceparent": "W3C trace context of the work that led to the event.",
}
_REQUIRED_HEADERS = ["ce_specversion", "ce_id", "ce_source", "ce_type"]
_DEAD_LETTER_HEADERS = {
    "dlq_original_topic": "Where the message was read.",
    "dlq_original_partition": "Its partition there.",
    "dlq_original_offset": "Its offset there.",
    "dlq_error_type": "The error's class.",
    "dlq_error_reason": "A word for counting.",
    "dlq_error_detail": "A sentence, at most 2,000 characters.",
    "dlq_attempt": "How many times it was tried.",
    "dlq_failed_at": "When it was given up, RFC 3339.",
    "dlq_service": "Who gave it up.",
    "dlq_service_version": "In which version.",
}


def contracts() -> dict[str, str]:
    """Every contract, by file name; equal code gives equal text."""
    documents = {schema_name(event): _schema(event) for event in EVENTS} | {ASYNCAPI: _asyncapi()}
    return {name: json.dumps(body, indent=2, ensure_ascii=False) + "\n" for name, body in documents.items()}


def schema_name(event: type[Event]) -> str:
    """The file that holds the schema of an event."""
    return f"{event.TYPE}.json"


def write(folder: Path) -> None:
    """Write every contract into `folder`, and remove those of events that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    current = contracts()
    for stale in folder.glob("*.json"):
        if stale.name not in current:
            stale.unlink()
    for name, text in current.items():
        (folder / name).write_text(text, encoding="utf-8")


def _schema(event: type[Event]) -> dict[str, Any]:
    """What a reader accepts: a field with a default may be missing, and unknown fields are ignored."""
    identity = {"$schema": _DIALECT, "$id": schema_id(event)}
    return identity | event.model_json_schema(mode="validation")


def _asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "LLM Twin events",
            "version": version("twin-common"),
            "description": "CloudEvents 1.0 in Kafka's binary mode. Within a major version fields are only "
            "added; a reader ignores what it does not know.",
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "servers": {
            "kafka": {
                "host": "{bootstrapServers}",
                "protocol": "kafka",
                "variables": {"bootstrapServers": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in ALL_TOPICS},
        "operations": {
            f"{flow.service}.{flow.action}.{flow.topic.name}": _operation(flow) for flow in _FLOWS
        },
        "components": {
            "messages": {event.__name__: _event_message(event) for event in EVENTS}
            | {"Tombstone": _tombstone(), "DeadLetter": _dead_letter()}
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = {"cleanup.policy": ["compact" if topic.compacted else "delete"]}
    if topic.retention_ms is not None:
        settings["retention.ms"] = topic.retention_ms
    kafka = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": settings,
        "bindingVersion": _KAFKA_BINDING,
    }
    return {
        "address": topic.name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages_on(topic)},
        "bindings": {"kafka": kafka},
    }


def _messages_on(topic: Topic) -> list[str]:
    names = [event.__name__ for event in EVENTS if topic == event.TOPIC]
    return [*names, *(["Tombstone"] if topic.compacted else [])] or ["DeadLetter"]


def _operation(flow: _Flow) -> dict[str, Any]:
    channel = f"#/channels/{flow.topic.name}"
    return {
        "action": flow.action,
        "channel": {"$ref": channel},
        "tags": [{"name": flow.service}],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _messages_on(flow.topic)],
    }


def _event_message(event: type[Event]) -> dict[str, Any]:
    headers = _headers(_CLOUDEVENTS_HEADERS, _REQUIRED_HEADERS)
    for name, value in (
        ("ce_specversion", "1.0"),
        ("ce_type", event.TYPE),
        ("ce_dataschema", schema_id(event)),
    ):
        headers["properties"][name]["const"] = value
    return {
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "contentType": CONTENT_TYPE.decode(),
        "headers": headers,
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"./{schema_name(event)}"}},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": _KAFKA_BINDING}},
    }


def _tombstone() -> dict[str, Any]:
    return {
        "title": "Tombstone",
        "summary": "The empty message behind a deletion, which lets compaction forget the key.",
        "payload": {"type": "null"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": _KAFKA_BINDING}},
    }


def _dead_letter() -> dict[str, Any]:
    return {
        "title": "DeadLetter",
        "summary": "A message that no retry can make good: its key, value and headers unchanged, and why.",
        "headers": _headers(_DEAD_LETTER_HEADERS, list(_DEAD_LETTER_HEADERS)),
        "payload": {},
    }


def _headers(described: dict[str, str], required: list[str]) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "required": required, "properties": properties}


def main() -> None:
    """Write the contracts into the folder that is named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m twin_common.contracts", description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
