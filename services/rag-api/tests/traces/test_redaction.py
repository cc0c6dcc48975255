"""What is replaced before a text is kept, and what is not."""

import pytest

from twin_rag_api.traces.redaction import redacted


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ada.l+news@mail.example.org now", "write to [e-mail] now"),
        ("call +46 70 123 45 67 tonight", "call [phone] tonight"),
        ("card 4111 1111 1111 1111 please", "card [card] please"),
        ("pay SE45 5000 0000 0583 9825 7466 today", "pay [account] today"),
        ("use twin_abcdefghijklmnop0123456789 here", "use [key] here"),
        ("use sk-abcDEF0123456789xyz here", "use [key] here"),
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
