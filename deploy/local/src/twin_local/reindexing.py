"""Building the index anew with another encoder, while the one that is there goes on serving.

A process of the feature-stream of its own fills the new build: it reads the topic from the beginning, and
what the topic no longer has it asks for by reconciling. So live changes reach both. All state is in the
aliases of the vector store (`twin_common.index_builds`): whatever is interrupted is gone on with by the same
command.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from qdrant_client import AsyncQdrantClient, models

from twin_common.embedding import Embedder, EmbeddingSettings, load_embedder
from twin_common.index_builds import (
    IndexBuild,
    Role,
    assign,
    describe_encoder,
    discard,
    leftovers,
    read_builds,
    roll_back,
    switch,
)
from twin_common.vector_index import DENSE, Collections, create_collections
from twin_common.warehouse import Warehouse
from twin_local.errors import PlatformError

Load = Callable[[EmbeddingSettings], Embedder]
Tell = Callable[[str], None]

_BETWEEN_LOOKS_SECONDS = 2.0
_NEIGHBOURS = 10
_RECALL_TOLERANCE = 0.9


@dataclass(frozen=True)
class Sample:
    """The same questions to both builds; each is a sentence out of a passage that is in both."""

    questions: int
    overlap: float
    """The share of documents among the first ten that both name."""
    live_recall: float
    """How often the passage's own document is among the first ten, in the build that readers see."""
    next_recall: float

    @property
    def is_good(self) -> bool:
        """Whether the new build finds at least nine tenths of what the old one finds."""
        return self.next_recall >= _RECALL_TOLERANCE * self.live_recall


@dataclass(frozen=True)
class BuildStatus:
    """How far a build is."""

    name: str
    documents: int
    chunks: int


@dataclass(frozen=True)
class Report:
    """Every build by its role, and collections that nothing uses."""

    builds: dict[str, BuildStatus]
    leftovers: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Reindexing:
    """The steps; each may be repeated, and none but `switch` and `roll_back` changes what readers see."""

    def __init__(self, client: AsyncQdrantClient, warehouse: Warehouse, load: Load = load_embedder) -> None:
        self._client = client
        self._warehouse = warehouse
        self._load = load

    async def begin(self, encoder: EmbeddingSettings) -> IndexBuild:
        """Make the collections of another encoder, and let the stream fill them.

        Raises:
            PlatformError: the encoder is in use already, or another build is under way.
        """
        embedder = await asyncio.to_thread(self._load, encoder)
        own = Collections.of_model(embedder.model_name)
        builds = await read_builds(self._client)
        if Role.LIVE not in builds:
            raise PlatformError("there is no index yet to build anew: start the platform first")
        if builds[Role.LIVE].collections == own:
            raise PlatformError(f"the index is already built with {embedder.model_name}")
        if Role.PREVIOUS in builds:
            name = builds[Role.PREVIOUS].name
            raise PlatformError(
                f"the previous index ({name}) is still kept: delete it with 'twin reindex --finish', "
                "or return to it with 'twin reindex --rollback'"
            )
        if Role.NEXT in builds and builds[Role.NEXT].collections != own:
            raise PlatformError(
                f"a build with {builds[Role.NEXT].name} is under way: go on with 'twin reindex --resume', "
                "or give it up with 'twin reindex --abort'"
            )
        await create_collections(self._client, own, embedder.dimensions, describe_encoder(encoder))
        await assign(self._client, {Role.NEXT: own})
        return IndexBuild(own, describe_encoder(encoder))

    async def wait_until_caught_up(self, tell: Tell) -> None:
        """Wait until the next build holds all that the warehouse does; say how far it is.

        While an owner writes there is always a document on its way. So what counts is what has differed in
        the same version for as long as a look takes, and two seconds more.
        """
        told = ""
        while behind := await self._behind():
            status = (await self.report()).builds[Role.NEXT.value]
            sentence = f"{status.documents} documents, {status.chunks} chunks; {behind} behind"
            if sentence != told:
                tell(sentence)
                told = sentence

    async def sample(self, configured: EmbeddingSettings, questions: int) -> Sample:
        """Ask both builds the same questions."""
        builds = await read_builds(self._client)
        live, following = builds[Role.LIVE], builds[Role.NEXT]
        texts, owners = await self._questions(live, questions)
        found: list[list[set[str]]] = []
        for build in (live, following):
            embedder = await asyncio.to_thread(self._load, build.embedding_settings(configured))
            vectors = (await asyncio.to_thread(embedder.embed, texts)).tolist() if texts else []
            found.append([await self._nearest(build, vector) for vector in vectors])
        pairs = list(zip(*found, strict=True))
        return Sample(
            questions=len(texts),
            overlap=_mean([len(old & new) / max(1, len(old | new)) for old, new in pairs]),
            live_recall=_mean([owner in old for owner, (old, _) in zip(owners, pairs, strict=True)]),
            next_recall=_mean([owner in new for owner, (_, new) in zip(owners, pairs, strict=True)]),
        )

    async def switch(self) -> None:
        """Let readers see the next build.

        Raises:
            PlatformError: there is none, or it does not hold what the warehouse does.
        """
        await self._require(Role.NEXT, "no build is under way")
        if behind := await self._behind():
            raise PlatformError(f"the new build is not complete: {behind} documents differ")
        await switch(self._client)

    async def roll_back(self) -> None:
        """Let readers see the previous build again."""
        await self._require(Role.PREVIOUS, "no previous index is kept")
        await roll_back(self._client)

    async def abort(self) -> list[str]:
        """Give up the next build, and delete what interruptions left; the names of what was left."""
        await discard(self._client, Role.NEXT)
        found = await leftovers(self._client)
        for name in found:
            await self._client.delete_collection(name)
        return found

    async def finish(self) -> None:
        """Delete the previous build."""
        await discard(self._client, Role.PREVIOUS)

    async def next_build(self) -> IndexBuild:
        """The build under way.

        Raises:
            PlatformError: there is none.
        """
        return await self._require(Role.NEXT, "no build is under way")

    async def report(self) -> Report:
        """Every build with what it holds."""
        builds = await read_builds(self._client)
        rows = {role.value: await self._status(build) for role, build in builds.items()}
        return Report(rows, await leftovers(self._client))

    async def _status(self, build: IndexBuild) -> BuildStatus:
        documents = (await self._client.count(build.collections.documents, exact=True)).count
        chunks = (await self._client.count(build.collections.chunks, exact=True)).count
        return BuildStatus(build.name, documents, chunks)

    async def _require(self, role: Role, problem: str) -> IndexBuild:
        builds = await read_builds(self._client)
        if role not in builds:
            raise PlatformError(f"{problem}: 'twin reindex --status' shows what there is")
        return builds[role]

    async def _behind(self) -> int:
        """How many documents differed at two looks, in the same version."""
        first = await self._look()
        if not first:
            return 0
        await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        return len(first & await self._look())

    async def _look(self) -> set[tuple[str, int]]:
        from twin_feature_stream.reconcile import differences

        found: set[tuple[str, int]] = set()
        async for part in differences(self._warehouse, self._client, Role.NEXT.aliases):
            found |= {(entry.document_id, entry.version) for entry in part.missing}
            found |= {(entry.document_id, entry.version) for entry in part.foreign}
            found |= {(entry.stored.document_id, entry.stored.version) for entry in part.stale}
        return found

    async def _questions(self, build: IndexBuild, count: int) -> tuple[list[str], list[str]]:
        """Middle sentences of random passages, and the documents these are from."""
        answer = await self._client.query_points(
            build.collections.chunks,
            query=models.SampleQuery(sample=models.Sample.RANDOM),
            limit=count,
            with_payload=["document_id", "text"],
        )
        payloads = [point.payload or {} for point in answer.points]
        return [_middle(payload["text"]) for payload in payloads], [
            payload["document_id"] for payload in payloads
        ]

    async def _nearest(self, build: IndexBuild, vector: list[float]) -> set[str]:
        answer = await self._client.query_points(
            build.collections.chunks,
            query=vector,
            using=DENSE,
            limit=_NEIGHBOURS,
            with_payload=["document_id"],
        )
        return {(point.payload or {})["document_id"] for point in answer.points}


def _middle(text: str) -> str:
    sentences = [sentence for sentence in text.replace("\n", " ").split(". ") if sentence.strip()]
    return sentences[len(sentences) // 2] if sentences else text


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0
