"""Builds of the vector index: the collections of one encoder each, and which of them readers see.

The aliases are all the state there is. Each role has one alias for chunks and one for heads; they move in
one request of the vector store, all of them or none. So whatever is interrupted, every build has exactly
one role, and the next step can be read off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from twin_common.embedding import EmbeddingSettings
from twin_common.errors import TwinError
from twin_common.vector_index import CHUNKS, DOCUMENTS, Collections, create_collections

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient


class Role(StrEnum):
    """What a build is there for."""

    LIVE = "live"
    NEXT = "next"
    PREVIOUS = "previous"

    @property
    def aliases(self) -> Collections:
        """The names under which the build of this role is found."""
        suffix = "" if self is Role.LIVE else f"__{self.value}"
        return Collections(CHUNKS + suffix, DOCUMENTS + suffix)


class ForeignIndex(TwinError):
    """The index was built with another encoder than this one."""


@dataclass(frozen=True)
class IndexBuild:
    """One build."""

    collections: Collections
    encoder: Mapping[str, Any] = field(default_factory=dict)
    """`backend` and `model` of its `EmbeddingSettings`; empty where an older version made the collection."""

    @property
    def name(self) -> str:
        """The encoder and the pipeline version, such as all_minilm_l6_v2__p1."""
        return self.collections.chunks.removeprefix(f"{CHUNKS}__")

    @property
    def encoder_name(self) -> str:
        """The encoder alone, such as all_minilm_l6_v2."""
        return encoder_name(self.collections)

    def embedding_settings(self, configured: EmbeddingSettings) -> EmbeddingSettings:
        """The settings that load its encoder; threads and batches are those that are configured."""
        return configured.model_copy(update=dict(self.encoder))


def encoder_name(collections: Collections) -> str:
    """The encoder that a build's collections are named after."""
    return collections.chunks.removeprefix(f"{CHUNKS}__").rsplit("__", 1)[0]


def describe_encoder(settings: EmbeddingSettings) -> dict[str, Any]:
    """What is kept with a collection, so that readers load the encoder that made its vectors."""
    return {"backend": settings.backend, "model": settings.model}


async def read_builds(client: "AsyncQdrantClient") -> dict[Role, IndexBuild]:
    """The builds that have a role."""
    targets = await _targets(client)
    builds: dict[Role, IndexBuild] = {}
    for role in Role:
        chunks, documents = targets.get(role.aliases.chunks), targets.get(role.aliases.documents)
        if chunks and documents:
            metadata = (await client.get_collection(chunks)).config.metadata or {}
            builds[role] = IndexBuild(Collections(chunks, documents), metadata)
    return builds


async def ensure_collections(
    client: "AsyncQdrantClient", model_name: str, dimensions: int, encoder: Mapping[str, Any] | None = None
) -> Collections:
    """Make the collections of an encoder if it may write here, and let readers see them if there are none.

    Safe to repeat. An alias that exists stays where it points, unless an older pipeline made that with the
    same encoder: an upgrade fills a new build from the warehouse and keeps the old one as previous.

    Raises:
        ForeignIndex: the index is another encoder's, and nobody has asked for a build with this one.
    """
    own = Collections.of_model(model_name)
    builds = await read_builds(client)
    is_known = own in [build.collections for build in builds.values()]
    live = builds.get(Role.LIVE)
    if live and not is_known and live.encoder_name == encoder_name(own):
        await create_collections(client, own, dimensions, encoder or {})
        await assign(client, {Role.LIVE: own, Role.PREVIOUS: live.collections})
        return own
    if builds and not is_known:
        names = ", ".join(f"{build.name} ({role})" for role, build in builds.items())
        raise ForeignIndex(
            f"the index is built with {names}, and not with the encoder {model_name}: build it anew with "
            f"'twin reindex --model {model_name}', or take EMBEDDING_MODEL and EMBEDDING_BACKEND back"
        )
    await create_collections(client, own, dimensions, encoder or {})
    if not builds:
        await assign(client, {Role.LIVE: own})
    return own


async def assign(client: "AsyncQdrantClient", roles: Mapping[Role, Collections | None]) -> None:
    """Give these roles to these builds, or to none; all at once."""
    from qdrant_client import models

    targets = await _targets(client)
    operations: list[Any] = []
    for role, collections in roles.items():
        pairs = [(role.aliases.chunks, collections and collections.chunks)]
        pairs.append((role.aliases.documents, collections and collections.documents))
        for alias, target in pairs:
            if alias in targets:
                delete = models.DeleteAlias(alias_name=alias)
                operations.append(models.DeleteAliasOperation(delete_alias=delete))
            if target:
                create = models.CreateAlias(collection_name=target, alias_name=alias)
                operations.append(models.CreateAliasOperation(create_alias=create))
    if operations:
        await client.update_collection_aliases(operations)


async def switch(client: "AsyncQdrantClient") -> None:
    """Let readers see the next build; the one they saw becomes the previous one."""
    builds = await read_builds(client)
    live, following = builds[Role.LIVE].collections, builds[Role.NEXT].collections
    await assign(client, {Role.LIVE: following, Role.PREVIOUS: live, Role.NEXT: None})


async def roll_back(client: "AsyncQdrantClient") -> None:
    """Let readers see the previous build again; the one they saw becomes the next one."""
    builds = await read_builds(client)
    live, previous = builds[Role.LIVE].collections, builds[Role.PREVIOUS].collections
    await assign(client, {Role.LIVE: previous, Role.NEXT: live, Role.PREVIOUS: None})


async def discard(client: "AsyncQdrantClient", role: Role) -> None:
    """Delete the build of a role, whole or what an interruption left of it."""
    targets = await _targets(client)
    for alias in (role.aliases.chunks, role.aliases.documents):
        if alias in targets:
            await client.delete_collection(targets[alias])


async def leftovers(client: "AsyncQdrantClient") -> list[str]:
    """Collections of builds that have no role: what an interruption left before a build was announced."""
    used = set((await _targets(client)).values())
    names = [entry.name for entry in (await client.get_collections()).collections]
    ours = (f"{CHUNKS}__", f"{DOCUMENTS}__")
    return sorted(name for name in names if name.startswith(ours) and name not in used)


async def _targets(client: "AsyncQdrantClient") -> dict[str, str]:
    return {entry.alias_name: entry.collection_name for entry in (await client.get_aliases()).aliases}
