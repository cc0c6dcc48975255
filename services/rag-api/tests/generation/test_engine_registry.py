"""Which engine answers to a name, and to whom."""

from collections.abc import AsyncGenerator

import pytest

from twin_rag_api.errors import NotFound
from twin_rag_api.generation.engine_registry import EngineRegistry, ServedModel
from twin_rag_api.generation.engines import Finish, Piece, Task

from ..conftest import ADA, BOB, Api


class Silent:
    """Says nothing; tells whether its connections were let go."""

    provider = "test"
    heeds: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    async def window(self) -> None:
        """It reads everything."""

    async def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        yield Finish("stop")

    async def close(self) -> None:
        self.closed = True


class TestChoice:
    async def test_the_configured_engine_answers_to_twin(self, api: Api) -> None:
        configured = Silent("base")
        registry = EngineRegistry(configured)
        assert registry.choose(await api.scope(), "twin") is configured
        assert registry.names(await api.scope()) == ["twin"]

    async def test_a_deployed_model_is_its_authors_alone(self, api: Api) -> None:
        configured, deployed = Silent("base"), Silent("ada-7")
        registry = EngineRegistry(configured)
        registry.replace([ServedModel("ada-7", deployed, ADA, default=True)])
        ada, bob = await api.scope(ADA), await api.scope(BOB)
        assert registry.choose(ada, "twin") is registry.choose(ada, "ada-7") is deployed
        assert registry.choose(bob, "twin") is configured
        assert registry.names(ada) == ["twin", "ada-7"]
        assert registry.names(bob) == ["twin"]
        with pytest.raises(NotFound, match=r"no model 'ada-7'; this platform serves twin$"):
            registry.choose(bob, "ada-7")

    async def test_a_replaced_engine_is_closed_with_the_rest_at_the_end(self, api: Api) -> None:
        configured, old, new = Silent("base"), Silent("old"), Silent("new")
        registry = EngineRegistry(configured)
        registry.replace([ServedModel("ada-1", old)])
        registry.replace([ServedModel("ada-1", new)])
        assert registry.choose(await api.scope(), "ada-1") is new
        assert not old.closed
        await registry.close()
        assert configured.closed
        assert old.closed
        assert new.closed
