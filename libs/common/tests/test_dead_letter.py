"""Dead letters: the message unchanged, and why it lies here."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.dead_letter import SourceRecord, dead_letter, reasons
from twin_common.errors import PoisonMessage, UnsupportedSchema
from twin_common.topics import DOCUMENT_CHANGES, DOCUMENT_CHANGES_DEAD

_SERVICE = "feature-stream"
_headers = st.lists(st.tuples(st.text(max_size=10).filter(lambda name: name[:4] != "dlq_"), st.binary()))


def _record(**changes: object) -> SourceRecord:
    fields = {"partition": 2, "offset": 41, "key": b"k", "value": b"{", "headers": [("ce_type", b"x")]}
    return SourceRecord(topic=DOCUMENT_CHANGES.name, **(fields | changes))  # type: ignore[arg-type]


class TestDeadLetter:
    @given(st.binary(), st.none() | st.binary(), _headers)
    def test_keeps_key_value_and_headers_byte_for_byte(
        self, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        letter = dead_letter(
            _record(key=key, value=value, headers=headers), PoisonMessage("reason", "detail"), _SERVICE
        )
        assert (letter.key, letter.value) == (key, value)
        assert letter.headers[: len(headers)] == headers
        assert all(name.startswith("dlq_") for name, _ in letter.headers[len(headers) :])

    def test_says_where_it_came_from_and_why(self) -> None:
        letter = dead_letter(_record(), UnsupportedSchema("twin.x.v9 is not known"), _SERVICE)
        said = reasons(letter.headers)
        failed_at = datetime.fromisoformat(said.pop("failed_at"))
        assert failed_at.tzinfo is not None
        assert said.pop("service_version")
        assert said == {
            "original_topic": DOCUMENT_CHANGES.name,
            "original_partition": "2",
            "original_offset": "41",
            "error_type": "UnsupportedSchema",
            "error_reason": "unsupported_schema",
            "error_detail": "unsupported_schema: twin.x.v9 is not known",
            "attempt": "1",
            "service": _SERVICE,
        }

    def test_goes_to_the_topic_that_the_platform_creates(self) -> None:
        assert dead_letter(_record(), PoisonMessage("r", "d"), _SERVICE).topic == DOCUMENT_CHANGES_DEAD.name

    def test_one_that_was_redriven_and_failed_again_tells_the_newer_failure_only(self) -> None:
        first = dead_letter(_record(), PoisonMessage("first", "d"), _SERVICE)
        again = dead_letter(_record(headers=first.headers), PoisonMessage("second", "d"), _SERVICE)
        names = [name for name, _ in again.headers]
        assert len(names) == len(set(names))
        assert reasons(again.headers)["error_reason"] == "second"

    @pytest.mark.parametrize("detail", ["x" * 100_000, "\ud800 lone surrogate", "\x00"])
    def test_no_text_of_an_error_prevents_it(self, detail: str) -> None:
        letter = dead_letter(_record(), PoisonMessage("r", detail), _SERVICE)
        assert len(reasons(letter.headers)["error_detail"]) <= 2000
