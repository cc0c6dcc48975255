"""The committed contracts are those of the code, complete, and true of what really travels."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twin_common import contracts
from twin_common.dead_letter import SourceRecord, dead_letter
from twin_common.documents import Category
from twin_common.errors import PoisonMessage
from twin_common.events import EVENTS, DocumentDeleted, DocumentUpserted, Event, decode, encode
from twin_common.topics import ALL_TOPICS

_FOLDER = Path(__file__).parent / "schemas"
_REMEDY = "if the change is meant and only adds, run `make schemas` and commit what it writes"


def _load(name: str) -> Any:
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def asyncapi() -> Any:
    return _load(contracts.ASYNCAPI)


class TestCommitted:
    def test_no_contract_is_missing_or_left_over(self) -> None:
        committed = {path.name for path in _FOLDER.iterdir()}
        assert committed == set(contracts.contracts()), _REMEDY

    @pytest.mark.parametrize("name", sorted(contracts.contracts()))
    def test_each_says_what_the_code_says(self, name: str) -> None:
        assert (_FOLDER / name).read_text(encoding="utf-8") == contracts.contracts()[name], _REMEDY

    def test_writing_them_removes_those_of_events_that_are_no_more(self, tmp_path: Path) -> None:
        (tmp_path / "twin.gone.v1.json").write_text("{}")
        contracts.write(tmp_path)
        assert {
            path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()
        } == contracts.contracts()


class TestSchemas:
    @pytest.mark.parametrize("event", EVENTS)
    def test_only_fields_without_a_default_are_required_and_unknown_ones_are_allowed(
        self, event: type[Event]
    ) -> None:
        schema = _load(contracts.schema_name(event))
        required = [name for name, field in event.model_fields.items() if field.is_required()]
        assert schema["required"] == required
        assert set(schema["properties"]) == set(event.model_fields)
        assert "additionalProperties" not in schema


class TestAsyncApi:
    def test_every_reference_leads_somewhere(self, asyncapi: Any) -> None:
        references = list(_references(asyncapi))
        assert len(references) > 20
        for reference in references:
            file, _, pointer = reference.partition("#")
            place = _load(file) if file else asyncapi
            for key in filter(None, pointer.split("/")):
                place = place[key]
            assert place

    def test_channels_are_the_topics_as_the_platform_creates_them(self, asyncapi: Any) -> None:
        described = {}
        for channel in asyncapi["channels"].values():
            kafka = channel["bindings"]["kafka"]
            config = {
                name: ",".join(value) if isinstance(value, list) else str(value)
                for name, value in kafka["topicConfiguration"].items()
            }
            described[channel["address"]] = (kafka["partitions"], config)
        assert described == {topic.name: (topic.partitions, topic.config) for topic in ALL_TOPICS}

    def test_every_topic_has_a_sender_and_every_event_a_message(self, asyncapi: Any) -> None:
        operations = asyncapi["operations"].values()
        sent = {operation["channel"]["$ref"] for operation in operations if operation["action"] == "send"}
        assert sent == {f"#/channels/{topic.name}" for topic in ALL_TOPICS}
        assert {event.__name__ for event in EVENTS} <= set(asyncapi["components"]["messages"])

    def test_headers_are_those_that_travel(self, asyncapi: Any) -> None:
        deleted = DocumentDeleted(document_id="d")
        message = encode(deleted, "cdc", traceparent="00-aa-bb-01")
        headers = asyncapi["components"]["messages"]["DocumentDeleted"]["headers"]
        assert list(headers["properties"]) == [name for name, _ in message.headers]
        assert headers["properties"]["ce_type"]["const"] == DocumentDeleted.TYPE
        assert headers["required"] == ["ce_specversion", "ce_id", "ce_source", "ce_type"]

    def test_dead_letters_have_the_headers_that_are_described(self, asyncapi: Any) -> None:
        record = SourceRecord(DocumentDeleted.TOPIC.name, 0, 0, b"k", b"{", [])
        letter = dead_letter(record, PoisonMessage("reason", "detail"), "feature-stream")
        headers = asyncapi["components"]["messages"]["DeadLetter"]["headers"]
        assert list(headers["properties"]) == headers["required"] == [name for name, _ in letter.headers]


class TestEvolution:
    """What was written before a field existed, and what a newer writer adds."""

    def test_a_newer_minor_with_more_fields_decodes(self) -> None:
        event = DocumentUpserted(document_id="d", category=Category.ARTICLE, version=3)
        newer = event.model_dump(mode="json") | {
            "priority": "high",
            "origin": {"region": "eu", "tags": [1, None]},
        }
        assert (
            decode(json.dumps(newer).encode(), encode(event, "cdc").headers, DocumentUpserted).event == event
        )

    @pytest.mark.parametrize("event", EVENTS)
    def test_a_message_of_only_the_required_fields_decodes(self, event: type[Event]) -> None:
        schema = _load(contracts.schema_name(event))
        value = {name: _example(schema["properties"][name], schema) for name in schema["required"]}
        headers = {"ce_specversion": b"1.0", "ce_id": b"1", "ce_source": b"/twin/test"}
        headers["ce_type"] = event.TYPE.encode()
        decoded = decode(json.dumps(value).encode(), headers, event).event
        assert decoded.model_dump(mode="json", include=set(value)) == value


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for below in part:
            yield from _references(below)


def _example(field: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value that the schema allows."""
    if "$ref" in field:
        field = schema["$defs"][field["$ref"].rsplit("/", 1)[1]]
    if "enum" in field:
        return field["enum"][0]
    if field["type"] == "integer":
        return field.get("minimum", 0)
    return "2024-05-01T10:00:00Z" if field.get("format") == "date-time" else "ada"
