"""Trained models: the collections `models`, `model_reports`, `model_releases` and `model_outcomes`.

Everything that decides is in `twin_common.models`. A write happens only if nobody else wrote in between, so
two deciders never undo each other.
"""

from collections.abc import Callable
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from twin_common.clock import utc_now
from twin_common.documents import Record
from twin_common.errors import TwinError
from twin_common.identity import AuthorId
from twin_common.models import (
    ModelOutcomes,
    ModelRecord,
    ModelStage,
    Release,
    ServingAddress,
    StageChange,
)
from twin_common.warehouse.erasures import Erasures


class UnknownModel(TwinError):
    """The author has no model of this id."""


class ModelReport(Record):
    """A model's evaluation, in the three forms that readers want."""

    model_id: str
    author_id: AuthorId
    json_text: str
    html: str
    markdown: str


class ModelRecords:
    """The models of all authors."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._models = database["models"]
        self._reports = database["model_reports"]
        self._releases = database["model_releases"]
        self._outcomes = database["model_outcomes"]
        self._erasures = Erasures(database)

    async def create_indexes(self) -> None:
        await self._models.create_index("author_id")
        await self._models.create_index("unannounced")

    async def add(self, record: ModelRecord, report: ModelReport | None = None) -> None:
        """Keep a new model; one that is there stays as it is, and an erased author has none."""
        if await self._erasures.is_erased(record.author_id):
            return
        if report is not None:
            await self.put_report(report)
        try:
            await self._models.insert_one(_row(record, revision=0))
        except DuplicateKeyError:
            return

    async def put_report(self, report: ModelReport) -> None:
        """Keep a model's report, in place of an earlier one."""
        await self._reports.replace_one({"_id": report.model_id}, report.model_dump(), upsert=True)

    async def get(self, model_id: str, author_id: AuthorId | None = None) -> ModelRecord:
        """One model; of this author, if one is given.

        Raises:
            UnknownModel: there is none.
        """
        return _record(await self._found(model_id, author_id))

    async def all(self, author_id: AuthorId) -> list[ModelRecord]:
        """The author's models, the newest first."""
        rows = await self._models.find({"author_id": author_id}).to_list()
        return sorted(map(_record, rows), key=lambda record: record.created_at, reverse=True)

    async def in_stage(self, *stages: ModelStage) -> list[ModelRecord]:
        """All models that stand there, of every author."""
        rows = await self._models.find({"stage": {"$in": [stage.value for stage in stages]}}).to_list()
        return [_record(row) for row in rows]

    async def report(self, model_id: str, author_id: AuthorId) -> ModelReport:
        """A model's evaluation.

        Raises:
            UnknownModel: the author has no such model, or it was not evaluated yet.
        """
        row = await self._reports.find_one({"_id": model_id, "author_id": author_id})
        if row is None:
            raise UnknownModel(f"there is no report of a model {model_id[:100]!r}")
        return ModelReport.model_validate(row)

    async def move(
        self, model_id: str, stage: ModelStage, who: str, why: str, author_id: AuthorId | None = None
    ) -> ModelRecord:
        """Move a model on, whoever else does so at the same time.

        Raises:
            UnknownModel: there is none.
            ForbiddenStage: the step does not follow on the stage it has by then.
        """
        change = StageChange(stage=stage, at=utc_now(), who=who, why=why)
        return await self._change(model_id, author_id, lambda record: record.moved(change))

    async def set_served(self, model_id: str, served: ServingAddress | None) -> None:
        """Say where a model answers, or that it answers no more. Raises: as `get`."""
        await self._change(model_id, None, lambda record: record.model_copy(update={"served": served}))

    async def mark_erased(self, model_id: str, documents: tuple[str, ...]) -> None:
        """Say that a model was trained on documents that are erased. Raises: as `get`."""

        def marked(record: ModelRecord) -> ModelRecord:
            erased = tuple(sorted({*record.erased_sources, *documents}))
            return record.model_copy(update={"erased_sources": erased})

        await self._change(model_id, None, marked)

    async def unannounced(self) -> list[ModelRecord]:
        """Models with a step that Kafka has not confirmed."""
        return [_record(row) for row in await self._models.find({"unannounced": True}).to_list()]

    async def set_announced(self, model_id: str, steps: int) -> None:
        """Kafka has confirmed so many steps. Raises: as `get`."""

        def announced(record: ModelRecord) -> ModelRecord:
            return record.model_copy(update={"announced": max(steps, record.announced)})

        await self._change(model_id, None, announced)

    async def release(self, author_id: AuthorId) -> Release:
        """Which of the author's models answers."""
        row = await self._releases.find_one({"_id": author_id})
        return Release.model_validate(row) if row else Release(author_id=author_id)

    async def releases(self) -> list[Release]:
        """The same of every author who has one."""
        return [Release.model_validate(row) for row in await self._releases.find().to_list()]

    async def released(self) -> list[tuple[Release, tuple[ModelRecord, ...]]]:
        """Every release with its models, production first, in one query; a model that is gone is left out."""
        joined = {"from": self._models.name, "localField": "wanted", "foreignField": "_id", "as": "records"}
        wanted = {"wanted": ["$production", "$canary"]}
        cursor = await self._releases.aggregate([{"$set": wanted}, {"$lookup": joined}])
        return [_released(row) for row in await cursor.to_list()]

    async def change_release(self, author_id: AuthorId, change: Callable[[Release], Release]) -> Release:
        """Change which model answers, whoever else does so at the same time."""
        while True:
            row = await self._releases.find_one({"_id": author_id})
            before = Release.model_validate(row) if row else Release(author_id=author_id)
            after = change(before)
            if after == before:
                return before
            revision = row["revision"] if row else 0
            new = after.model_dump(mode="python") | {"revision": revision + 1}
            if row is None:
                try:
                    await self._releases.insert_one(new | {"_id": author_id})
                except DuplicateKeyError:
                    continue
                return after
            match = {"_id": author_id, "revision": revision}
            if (await self._releases.replace_one(match, new)).matched_count:
                return after

    async def roll_back(self, model_id: str, who: str, why: str, author_id: AuthorId) -> ModelRecord:
        """Take a model out of service at once; what was in production before it answers again.

        Raises:
            UnknownModel: the author has no such model.
            ForbiddenStage: it is neither approved nor deployed.
        """
        # The questions go elsewhere first: a crash in between leaves a model that answers nothing.
        record = await self.get(model_id, author_id)
        record.moved(StageChange(stage=ModelStage.ROLLED_BACK, at=utc_now(), who=who, why=why))
        await self.change_release(author_id, lambda release: release.without(model_id))
        return await self.move(model_id, ModelStage.ROLLED_BACK, who, why, author_id)

    async def count_answer(self, model_id: str, author_id: AuthorId, *, failed: bool) -> None:
        """Count an answer of a deployed model."""
        await self._outcomes.update_one(
            {"_id": model_id},
            {"$inc": {"answers": 1, "failures": int(failed)}, "$set": {"author_id": author_id}},
            upsert=True,
        )

    async def outcomes(self, model_id: str) -> ModelOutcomes:
        """What became of the questions to a model; thumbs are in the feedback."""
        return ModelOutcomes.model_validate(await self._outcomes.find_one({"_id": model_id}) or {})

    async def _found(self, model_id: str, author_id: AuthorId | None) -> dict[str, Any]:
        match = {"_id": model_id} | ({"author_id": author_id} if author_id else {})
        row = await self._models.find_one(match)
        if row is None:
            raise UnknownModel(f"there is no model {model_id[:100]!r}")
        return row

    async def _change(
        self, model_id: str, author_id: AuthorId | None, change: Callable[[ModelRecord], ModelRecord]
    ) -> ModelRecord:
        while True:
            row = await self._found(model_id, author_id)
            after = change(_record(row))
            match = {"_id": model_id, "revision": row["revision"]}
            new = _row(after, revision=row["revision"] + 1)
            if (await self._models.replace_one(match, new)).matched_count:
                return after


def _record(row: dict[str, Any]) -> ModelRecord:
    return ModelRecord.model_validate(row)


def _released(row: dict[str, Any]) -> tuple[Release, tuple[ModelRecord, ...]]:
    release = Release.model_validate(row)
    records = {record.model_id: record for record in map(_record, row["records"])}
    found = (records.get(model_id) for model_id in release.models)
    return release, tuple(record for record in found if record and record.author_id == release.author_id)


def _row(record: ModelRecord, revision: int) -> dict[str, Any]:
    """With what is searched by beside the record's own fields."""
    return record.model_dump(mode="python") | {
        "_id": record.model_id,
        "revision": revision,
        "stage": record.stage.value,
        "unannounced": record.announced < len(record.history),
    }
