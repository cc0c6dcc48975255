"""What is replaced before a text is kept, and what is not."""

import pytest

from twin_common.testing.secrets import SECRETS
from twin_rag_api.traces.redaction import redacted


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ada.l+news@mail.example.org now", "write to [e-mail] now"),
        ("call +46 70 123 45 67 tonight", "call [phone] tonight"),
        ("card 4111 1111 1111 1111 please", "card [card] please"),
        ("pay SE45 5000 0000 0583 9825 7466 today", "pay [account] today"),
        ("use sk-abcDEF0123456789xyz here", "use [key] here"),
        *((f"use {secret} here", "use [key] here") for secret in SECRETS),
        ("open postgres://ada:hunter2@db.example:5432/x", "open postgres://[key]@db.example:5432/x"),
        ("Authorization: Bearer a8f5f167f44f4964e6c998dee827110c", "Authorization: Bearer [key]"),
    ],
)
def test_personal_data_and_secrets_are_named_and_not_kept(text: str, kept: str) -> None:
    assert redacted(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Kafka 4.3.1 keeps 1,000,000 messages; see 2026-01-02.",
        "offset 123456789 of partition 12",
        "the task_runner@property decorator",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    ],
)
def test_figures_and_code_stay(text: str) -> None:
    assert redacted(text) == text
