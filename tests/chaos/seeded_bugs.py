"""Bugs on purpose: what a faulty stream would have sent to the vector store, as changes of its requests."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.integration.history import StepKind
from twin_common.vector_index import BM25, CHUNKS, DENSE, DOCUMENTS

Body = dict[str, Any]


@dataclass(frozen=True)
class Write:
    """A write on its way to the store."""

    collection: str
    deletes: bool
    body: Body


Corrupt = Callable[[Write, str], Body | None]
"""The body that is sent instead; None: nothing is, and the store's answer is made up.

The second argument is the id of a document that has nothing to do with it.
"""


@dataclass(frozen=True)
class SeededBug:
    """A bug, and the step of an owner that shows it."""

    name: str
    step: StepKind
    corrupt: Corrupt


def _skip(collections: tuple[str, ...], *, deletes: bool) -> Corrupt:
    """Writes of one sort to these collections never arrive."""

    def corrupt(write: Write, _: str) -> Body | None:
        return None if write.collection in collections and write.deletes is deletes else write.body

    return corrupt


def _points(collection: str, change: Callable[[list[Body]], object]) -> Corrupt:
    """The points of an upsert are changed."""

    def corrupt(write: Write, _: str) -> Body:
        body = deepcopy(write.body)
        if write.collection == collection and not write.deletes:
            change(body["points"])
        return body

    return corrupt


def _payload(collection: str, **fields: Callable[[Any], Any]) -> Corrupt:
    """Fields of the first point's payload are changed."""

    def change(points: list[Body]) -> None:
        for name, function in fields.items():
            points[0]["payload"][name] = function(points[0]["payload"][name])

    return _points(collection, change)


def _without_vector(name: str) -> Corrupt:
    return _points(CHUNKS, lambda points: points[0]["vector"].pop(name))


def _with_vectors_swapped(points: list[Body]) -> None:
    first, second = points[0]["vector"], points[1]["vector"]
    first[DENSE], second[DENSE] = second[DENSE], first[DENSE]


def _with_a_copy(points: list[Body]) -> None:
    points.append(points[0] | {"id": str(uuid4())})


def _deletes_another(write: Write, bystander: str) -> Body:
    if not write.deletes:
        return write.body
    if write.collection == DOCUMENTS:
        return {"points": [bystander]}
    condition = {"key": "document_id", "match": {"value": bystander}}
    return {"filter": {"must": [condition]}}


SEEDED_BUGS = (
    SeededBug("skipped delete", StepKind.DELETE, _skip((CHUNKS, DOCUMENTS), deletes=True)),
    SeededBug("delete that forgets the chunks", StepKind.DELETE, _skip((CHUNKS,), deletes=True)),
    SeededBug("delete of another document", StepKind.DELETE, _deletes_another),
    SeededBug("lost batch", StepKind.EDIT, _skip((CHUNKS, DOCUMENTS), deletes=False)),
    SeededBug("stale head", StepKind.EDIT, _skip((DOCUMENTS,), deletes=False)),
    SeededBug("head without chunks", StepKind.INSERT, _skip((CHUNKS,), deletes=False)),
    SeededBug("chunks of an old version left", StepKind.SHRINK, _skip((CHUNKS,), deletes=True)),
    SeededBug("duplicate point", StepKind.EDIT, _points(CHUNKS, _with_a_copy)),
    SeededBug("lost chunk", StepKind.INSERT, _points(CHUNKS, lambda points: points.pop())),
    SeededBug("wrong version", StepKind.EDIT, _payload(DOCUMENTS, version=lambda version: version + 1)),
    SeededBug("truncated chunk", StepKind.EDIT, _payload(CHUNKS, text=lambda text: text[:-1])),
    SeededBug(
        "chunk of a foreign author", StepKind.EDIT, _payload(CHUNKS, author_id=lambda _: "someone-else")
    ),
    SeededBug("truncated head", StepKind.EDIT, _payload(DOCUMENTS, text=lambda text: text[:-1])),
    SeededBug("missing dense vector", StepKind.EDIT, _without_vector(DENSE)),
    SeededBug("missing sparse vector", StepKind.EDIT, _without_vector(BM25)),
    SeededBug("vectors of each other's text", StepKind.INSERT, _points(CHUNKS, _with_vectors_swapped)),
)
