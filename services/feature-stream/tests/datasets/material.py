"""Documents, samples and models for the tests of datasets."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from twin_common.documents import Category, DocumentHead, HeadStatus
from twin_common.identity import AuthorId
from twin_feature_stream.datasets.chat_model import Messages, ModelFailure
from twin_feature_stream.datasets.samples import Kind, Origin, Sample

ADA = AuthorId("ada")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")


def document_id(name: str) -> str:
    """What the document of this name is called in the index."""
    return str(uuid5(NAMESPACE_URL, name))


def prose(seed: object, sentences: int = 8, words: int = 12) -> str:
    """Sentences of made-up words; texts of two seeds have nothing in common."""
    random = Random(str(seed))
    made = [
        " ".join("".join(random.choices(_SYLLABLES, k=3)) for _ in range(words)) for _ in range(sentences)
    ]
    return " ".join(f"{sentence.capitalize()}." for sentence in made)


def head(name: str, text: str, *, days: int = 0, **fields: Any) -> DocumentHead:
    """The head of a document that was published `days` after the first."""
    return DocumentHead.model_validate(
        {
            "document_id": document_id(name),
            "author_id": ADA,
            "version": 1,
            "content_hash": f"hash of {name}",
            "category": Category.ARTICLE,
            "platform": "web",
            "url": f"https://ada.example/{name}",
            "title": f"On {name}",
            "language": None,
            "published_at": NOW + timedelta(days=days),
            "text": text,
            "text_length": len(text),
            "status": HeadStatus.SEARCHABLE,
        }
        | fields
    )


def article(name: str, *, days: int = 0, sections: int = 3, **fields: Any) -> DocumentHead:
    """An article of several sections."""
    parts = [f"## Part {number} of {name}\n\n{prose(f'{name}{number}')}" for number in range(sections)]
    return head(name, days=days, **({"text": "\n\n".join(parts)} | fields))


def post(name: str, *, days: int = 0, **fields: Any) -> DocumentHead:
    """A short post."""
    return head(name, prose(name, sentences=3), days=days, category=Category.POST, **fields)


def sample(name: str, answer: str | None = None, *, days: int = 0, place: int = 0, **fields: Any) -> Sample:
    """A sample of a document of this name."""
    published = NOW + timedelta(days=days)
    category = fields.pop("category", Category.ARTICLE)
    origin = Origin(
        document_id=name,
        version=1,
        category=category,
        title=f"On {name}",
        url=f"https://ada.example/{name}",
        language=fields.pop("language", None),
        published_at=published,
        order=(published.timestamp(), 0.0, name),
    )
    values: dict[str, Any] = {
        "kind": Kind.WRITE,
        "instruction": f"Write about {name}, part {place}.",
        "answer": answer if answer is not None else prose(f"{name}{place}"),
        "origin": origin,
        "place": place,
        "written_by": "rules/1",
        "quality": 0.9,
    }
    return Sample(**(values | fields))


class FakeModel:
    """Answers with a text of its own, counts what it is asked, and fails on command."""

    name = "fake"

    def __init__(self, failure: str | None = None, failures: int = 10**9) -> None:
        self.failure = failure
        self.failures = failures
        self.asked: list[str] = []
        self.open = 0
        self.most_open = 0

    async def complete(self, messages: Messages, max_tokens: int) -> str:
        """An answer that depends on the question alone."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        content = messages[-1]["content"]
        self.asked.append(content)
        if self.failure and len(self.asked) <= self.failures:
            raise ModelFailure(self.failure, "as told", is_transient=self.failure == "status_429")
        return f"Answer number {len(content)} to a question"
