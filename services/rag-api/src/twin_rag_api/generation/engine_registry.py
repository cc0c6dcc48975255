"""Which engine answers to a model's name: the configured one as `twin`, and every model that was deployed."""

from collections.abc import Iterable
from dataclasses import dataclass

from twin_common.identity import AuthorId
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import NotFound
from twin_rag_api.generation.engines import Engine

TWIN = "twin"
"""The name that always works: the author's deployed model, else the engine that is configured."""


@dataclass(frozen=True)
class ServedModel:
    """An engine under the name by which requests choose it."""

    name: str
    engine: Engine
    author_id: AuthorId | None = None
    """Whose model it is: nobody else learns even that it exists. None: everybody's."""
    default: bool = False
    """Whether it also answers to `twin` for its author."""


class EngineRegistry:
    """Names and engines; what is served may be replaced while answers are being written."""

    def __init__(self, configured: Engine) -> None:
        self._configured = configured
        self._served: tuple[ServedModel, ...] = ()
        self._ever: list[Engine] = [configured]

    def replace(self, models: Iterable[ServedModel]) -> None:
        """Serve these models from now on, besides the configured engine.

        An engine that goes finishes what it writes; its connections are let go at the end.
        """
        self._served = tuple(models)
        known = {id(engine) for engine in self._ever}
        self._ever += [model.engine for model in self._served if id(model.engine) not in known]

    def names(self, scope: AuthorScope) -> list[str]:
        """What the author's requests may give as `model`, `twin` first."""
        return [TWIN, *(model.name for model in self._served if _is_for(scope, model))]

    def choose(self, scope: AuthorScope, name: str) -> Engine:
        """The engine of this name.

        Raises:
            NotFound: there is none, or it is another author's.
        """
        mine = [model for model in self._served if _is_for(scope, model)]
        for model in mine:
            if model.name == name or (name == TWIN and model.default):
                return model.engine
        if name == TWIN:
            return self._configured
        raise NotFound(
            f"there is no model {name[:100]!r}; this platform serves {', '.join(self.names(scope))}"
        )

    async def close(self) -> None:
        """Let go of all engines' connections."""
        for engine in self._ever:
            await engine.close()


def _is_for(scope: AuthorScope, model: ServedModel) -> bool:
    return model.author_id is None or model.author_id == scope.author_id
