"""Logs and traces as a service emits them, from a process of its own: both are set up once a process."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from twin_common.telemetry import current_traceparent

_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

_SERVICE = f"""
import logging
import structlog
from pydantic import SecretStr
from twin_common import telemetry
from twin_common.kafka_settings import KafkaSettings

telemetry.configure("cdc")
log = structlog.get_logger("twin_cdc.relay")
log.info("published", count=3)
log.debug("chatter")
with telemetry.span("relay", traceparent="00-{_TRACE_ID}-b7ad6b7169203331-01", batch=2):
    log.warning("within", handed_on=telemetry.current_traceparent())
    with telemetry.span("publish"):
        logging.getLogger("library").error("of %s", "another library")
with telemetry.span("broken parent", traceparent="garbage"):
    log.info("own trace", handed_on=telemetry.current_traceparent())
kafka = KafkaSettings(bootstrap_servers="kafka:9092", sasl_password="hunter2")
log.info("secrets", secret=SecretStr("hunter2"), settings=kafka)
try:
    raise ValueError("of the test")
except ValueError:
    log.exception("failed")
log.info("odd\\nvalues", text="\\u00e9\\n\\x00", thing=object())
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LOG_"))
    }
    command = [sys.executable, "-c", _SERVICE]
    finished = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert finished.stderr == ""
    assert "hunter2" not in finished.stdout
    return [json.loads(line) for line in finished.stdout.splitlines()]


def _line(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    [found] = [line for line in lines if line["event"] == event]
    return found


class TestLogs:
    def test_every_line_is_json_and_says_who_when_and_how_grave(self, lines: list[dict[str, Any]]) -> None:
        assert len(lines) == 7
        for line in lines:
            assert line["service"] == "cdc" and line["timestamp"].endswith("Z")
            assert {"event", "level", "logger"} <= line.keys()

    def test_fields_stay_fields(self, lines: list[dict[str, Any]]) -> None:
        line = _line(lines, "published")
        assert (line["count"], line["level"], line["logger"]) == (3, "info", "twin_cdc.relay")
        assert "trace_id" not in line

    def test_what_is_below_the_level_is_left_out(self, lines: list[dict[str, Any]]) -> None:
        assert "chatter" not in [line["event"] for line in lines]

    def test_other_libraries_log_in_the_same_form(self, lines: list[dict[str, Any]]) -> None:
        line = _line(lines, "of another library")
        assert (line["level"], line["logger"]) == ("error", "library")

    def test_secrets_are_masked(self, lines: list[dict[str, Any]]) -> None:
        assert "***" in _line(lines, "secrets")["secret"]
        assert "***" in json.dumps(_line(lines, "secrets")["settings"])

    def test_an_exception_is_in_its_line(self, lines: list[dict[str, Any]]) -> None:
        assert "ValueError: of the test" in _line(lines, "failed")["exception"]


class TestTraces:
    def test_a_span_goes_on_below_the_messages_trace(self, lines: list[dict[str, Any]]) -> None:
        line = _line(lines, "within")
        assert line["trace_id"] == _TRACE_ID
        _, trace, parent, _ = line["handed_on"].split("-")
        assert trace == _TRACE_ID and parent != "b7ad6b7169203331"

    def test_logs_of_nested_spans_and_other_libraries_carry_it(self, lines: list[dict[str, Any]]) -> None:
        assert _line(lines, "of another library")["trace_id"] == _TRACE_ID

    def test_an_unreadable_parent_starts_a_new_trace(self, lines: list[dict[str, Any]]) -> None:
        line = _line(lines, "own trace")
        assert line["trace_id"] not in (_TRACE_ID, "0" * 32)
        assert line["handed_on"].split("-")[1] == line["trace_id"]

    def test_outside_of_spans_nothing_is_handed_on(self) -> None:
        assert current_traceparent() is None
