from typing import Any

import pytest

from twin_common.documents import Authorship, HeadStatus
from twin_feature_stream.datasets.selection import select

from .material import article, document_id, head, prose


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"authorship": Authorship.OTHER}, "authorship_other"),
        ({"authorship": Authorship.UNCLEAR}, "authorship_unclear"),
        ({"partial": True}, "partial"),
        ({"status": HeadStatus.FAILED}, "failed"),
        ({"status": HeadStatus.SKIPPED}, "skipped"),
        ({"status": HeadStatus.SKIPPED, "duplicate_of": "other", "text": ""}, "duplicate_document"),
        ({"text": "  \n"}, "empty"),
    ],
)
def test_what_is_not_wholly_the_owners_is_left_out_with_its_reason(
    fields: dict[str, Any], reason: str
) -> None:
    selection = select([article("one"), article("two", **fields)])
    assert [document.document_id for document in selection.documents] == [document_id("one")]
    assert selection.dropped == {reason: 1}


def test_a_paragraph_of_three_documents_is_boilerplate() -> None:
    frame = "Subscribe to get the next one by mail."
    documents = [head(name, f"{prose(name)}\n\n{frame}\n\n{prose(name + 'b')}") for name in "abc"]
    selection = select(documents)
    assert selection.boilerplate == 3
    assert not any(frame in document.text for document in selection.documents)
    texts = {document.title: document.text for document in selection.documents}
    assert all(prose(name) in texts[f"On {name}"] for name in "abc")


def test_headings_and_code_of_several_documents_stay() -> None:
    text = "## Summary\n\n{}\n\n```\nimport os\n\nimport sys\n```"
    selection = select([head(name, text.format(prose(name))) for name in "abcd"])
    assert selection.boilerplate == 0
    assert all(document.text.startswith("## Summary") for document in selection.documents)
    assert all("import os\n\nimport sys" in document.text for document in selection.documents)


def test_what_is_redacted_is_counted_over_titles_and_texts() -> None:
    selection = select([head("one", "Write to ada@mail.example today.", title="Ask bob@mail.example")])
    assert selection.redacted == {"email": 2}
    assert selection.documents[0].text == "Write to <EMAIL> today."
    assert selection.documents[0].title == "Ask <EMAIL>"


def test_the_order_of_what_is_read_does_not_matter() -> None:
    documents = [article(name) for name in "abcd"]
    assert select(documents) == select(documents[::-1])
