"""Builds and their roles: what each step changes, and that an interruption anywhere is made good."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient

from twin_common.embedding import EmbeddingSettings
from twin_common.index_builds import (
    ForeignIndex,
    Role,
    assign,
    describe_encoder,
    discard,
    ensure_collections,
    leftovers,
    read_builds,
    roll_back,
    switch,
)
from twin_common.vector_index import (
    CHUNKS,
    DOCUMENTS,
    PIPELINE_VERSION,
    Collections,
    create_collections,
)

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")

OLD, NEW = Collections.of_model("old"), Collections.of_model("new")
ENCODER = describe_encoder(EmbeddingSettings(backend="hashing", model="new"))

Step = Callable[[Any], Awaitable[Any]]


class Killed(BaseException):
    """What a kill is to the process: nothing runs after it."""


class KilledAt:
    """A client whose process is killed right before its nth write."""

    WRITES = ("create_collection", "delete_collection", "create_payload_index", "update_collection_aliases")

    def __init__(self, client: AsyncQdrantClient, writes: int) -> None:
        self._client = client
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        if name in self.WRITES:
            if self._left == 0:
                raise Killed
            self._left -= 1
        return getattr(self._client, name)


async def begin(client: Any) -> None:
    await create_collections(client, NEW, 8, ENCODER)
    await assign(client, {Role.NEXT: NEW})


async def abort(client: Any) -> None:
    await discard(client, Role.NEXT)
    for name in await leftovers(client):
        await client.delete_collection(name)


async def finish(client: Any) -> None:
    await discard(client, Role.PREVIOUS)


async def roles(client: Any) -> dict[str, Collections]:
    return {role.value: build.collections for role, build in (await read_builds(client)).items()}


STEPS: dict[str, tuple[list[Step], Step, dict[str, Collections]]] = {
    "begin": ([], begin, {"live": OLD, "next": NEW}),
    "switch": ([begin], switch, {"live": NEW, "previous": OLD}),
    "roll back": ([begin, switch], roll_back, {"live": OLD, "next": NEW}),
    "abort": ([begin], abort, {"live": OLD}),
    "finish": ([begin, switch], finish, {"live": NEW}),
}


@pytest.fixture
async def client() -> Any:
    client = AsyncQdrantClient(":memory:")
    await ensure_collections(client, "old", 8)
    yield client
    await client.close()


class TestSteps:
    @pytest.mark.parametrize("name", STEPS)
    async def test_each_gives_every_build_its_role(self, client: AsyncQdrantClient, name: str) -> None:
        before, step, expected = STEPS[name]
        for earlier in before:
            await earlier(client)
        await step(client)
        assert await roles(client) == expected
        assert await leftovers(client) == []

    @pytest.mark.parametrize("name", STEPS)
    async def test_killed_before_any_write_it_leaves_readers_an_index_and_can_be_repeated(
        self, name: str
    ) -> None:
        before, step, expected = STEPS[name]
        for writes in count():
            client = AsyncQdrantClient(":memory:")
            await ensure_collections(client, "old", 8)
            for earlier in before:
                await earlier(client)
            try:
                await step(KilledAt(client, writes))
                survived = True
            except Killed:
                survived = False
            assert {CHUNKS, DOCUMENTS} <= {entry.alias_name for entry in (await client.get_aliases()).aliases}
            assert (await client.count(CHUNKS)).count == 0
            if not survived:
                await step(client)
            assert await roles(client) == expected
            assert await leftovers(client) == []
            await client.close()
            if survived:
                return

    async def test_a_build_that_was_never_announced_is_deleted(self, client: AsyncQdrantClient) -> None:
        with pytest.raises(Killed):
            await begin(KilledAt(client, 1))
        assert await leftovers(client) == [NEW.chunks]
        await abort(client)
        assert await leftovers(client) == []
        assert await roles(client) == {"live": OLD}


class TestEncoders:
    async def test_a_build_says_which_settings_load_its_encoder(self, client: AsyncQdrantClient) -> None:
        await begin(client)
        build = (await read_builds(client))[Role.NEXT]
        settings = build.embedding_settings(EmbeddingSettings(threads=7))
        assert (settings.backend, settings.model, settings.threads) == ("hashing", "new", 7)
        assert build.name == f"new__{PIPELINE_VERSION}"

    async def test_an_upgrade_of_the_pipeline_starts_a_new_build(self, client: AsyncQdrantClient) -> None:
        older = Collections("chunks__new__p0", "documents__new__p0")
        await assign(client, {Role.LIVE: None})
        await create_collections(client, older, 8, ENCODER)
        await assign(client, {Role.LIVE: older})
        for _ in range(2):
            assert await ensure_collections(client, "new", 8, ENCODER) == NEW
            assert await roles(client) == {"live": NEW, "previous": older}

    async def test_another_encoder_may_not_write_unasked(self, client: AsyncQdrantClient) -> None:
        with pytest.raises(ForeignIndex, match="twin reindex --model new"):
            await ensure_collections(client, "new", 8)
        assert await leftovers(client) == []
        await begin(client)
        assert await ensure_collections(client, "new", 8) == NEW
        assert await roles(client) == {"live": OLD, "next": NEW}
