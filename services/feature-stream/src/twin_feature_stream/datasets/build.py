"""Builds one author's dataset: reads, decides, asks models, keeps, announces."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twin_common.clock import Clock, utc_now
from twin_common.events import DatasetReady
from twin_common.identity import AuthorId
from twin_common.warehouse import DatasetRecord, Warehouse
from twin_feature_stream.datasets.answers import Answers, AskingPolicy, Question, ask
from twin_feature_stream.datasets.assembly import BuildPolicy, Draft, NotEnoughText, draft, finish
from twin_feature_stream.datasets.chat_model import ModelSettings, OpenAICompatibleModel
from twin_feature_stream.datasets.hub import HubDatasets
from twin_feature_stream.datasets.model_instructions import may_be_asked, question, with_answers
from twin_feature_stream.datasets.preference import question as preference_question
from twin_feature_stream.datasets.registry import DatasetRegistry
from twin_feature_stream.datasets.settings import DatasetSettings
from twin_feature_stream.datasets.snapshot import read_documents
from twin_feature_stream.datasets.triggers import LastBuild
from twin_feature_stream.datasets.version import DatasetVersion

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is of it."""


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    version: DatasetVersion
    is_new: bool
    """Whether the registry had no equal dataset before."""


@dataclass(frozen=True)
class Builder:
    """Builds datasets from one platform into one registry."""

    client: "AsyncQdrantClient"
    warehouse: Warehouse
    registry: DatasetRegistry
    settings: DatasetSettings
    publish: Callable[[DatasetReady], None]
    """Returns once Kafka has confirmed the event; may block."""
    hub: HubDatasets | None = None
    """Where versions are kept besides, before they are announced."""
    clock: Clock = utc_now

    @property
    def policy(self) -> BuildPolicy:
        """The policy with what is set about it."""
        policy = BuildPolicy(seed=self.settings.seed)
        filters = replace(policy.curation.filters, languages=frozenset(self.settings.languages))
        return replace(policy, curation=replace(policy.curation, filters=filters))

    async def build(self, author_id: AuthorId, progress: Progress = lambda *_: None) -> Built:
        """Make, keep and announce the dataset of what the author has published by now.

        An equal dataset is neither kept nor announced twice; one whose announcement was never confirmed is
        announced again.

        Raises:
            NotEnoughText: too little text is usable.
            ServerUnavailable: the Hub did not take it, or Kafka did not confirm the announcement; a repeated
                build tries both again.
        """
        progress("reading", 0, 1)
        heads = await read_documents(self.client, author_id)
        feedback = await self.warehouse.feedback.all(author_id)
        seen = LastBuild(
            at=self.clock(),
            documents={head.document_id: head.version for head in heads},
            feedback=len(feedback),
        )
        progress("selecting", 0, 1)
        try:
            made = await asyncio.to_thread(draft, author_id, heads, feedback, self.policy)
        except NotEnoughText:
            self.registry.set_last_build(author_id, seen)
            raise
        made = await self._with_instructions(made, progress)
        rejected = await self._rejected(made, progress)
        model = self.settings.rejected.model if self.settings.rejected else None
        progress("writing", 0, 1)
        version, dataset = await asyncio.to_thread(finish, made, rejected, model, seen.at, self.policy)
        is_new = not self.registry.has(version.dataset_id)
        if is_new:
            await asyncio.to_thread(self.registry.save, version, dataset)
        version = self.registry.version(version.dataset_id)
        if not self.registry.is_announced(version.dataset_id):
            if self.hub is not None:
                folder = self.registry.path(version.dataset_id)
                await asyncio.to_thread(self.hub.push, author_id, version.dataset_id, folder)
            event = version.event(self.registry.location(version.dataset_id))
            await asyncio.to_thread(self.publish, event)
            await self.warehouse.datasets.put(DatasetRecord.of(event, version.statistics.report()))
            self.registry.set_announced(version.dataset_id)
        self.registry.set_last_build(author_id, seen)  # last: what a crash cut short is due again
        progress("writing", 1, 1)
        return Built(version, is_new)

    async def _with_instructions(self, made: Draft, progress: Progress) -> Draft:
        settings = self.settings.instructions
        if settings is None:
            return made
        samples = [*made.curated.train, *made.curated.test]
        places = [place for place, sample in enumerate(samples) if may_be_asked(sample)]
        asked = [samples[place] for place in places]
        answers = await self._ask(
            made, settings, [question(sample) for sample in asked], progress, "writing instructions"
        )
        rewritten = with_answers(asked, answers, settings.model)
        for place, sample in zip(places, rewritten, strict=True):
            samples[place] = sample
        return made.with_instructions(samples, Counter(answers.failures))

    async def _rejected(self, made: Draft, progress: Progress) -> Answers | None:
        settings = self.settings.rejected
        if settings is None:
            return None
        samples = [*made.curated.train, *made.curated.test]
        questions = [preference_question(sample) for sample in samples]
        return await self._ask(made, settings, questions, progress, "asking for rejected answers")

    async def _ask(
        self,
        made: Draft,
        settings: ModelSettings,
        questions: list[Question],
        progress: Progress,
        task: str,
    ) -> Answers:
        async with aclosing(OpenAICompatibleModel(settings)) as model:
            return await ask(
                model,
                questions,
                self.registry.answers_file(made.author_id),
                AskingPolicy(concurrency=settings.concurrency),
                lambda done, total: progress(task, done, total),
            )
