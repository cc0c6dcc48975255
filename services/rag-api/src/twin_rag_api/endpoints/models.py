"""The models of the chat API: one, the author's twin."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from twin_rag_api.dependencies import Scope
from twin_rag_api.errors import NotFound

router = APIRouter(prefix="/v1", tags=["chat"])

TWIN = "twin"
_SINCE = 1_767_225_600  # 2026-01-01, as OpenAI's shape wants a time


class Model(BaseModel):
    """A model in OpenAI's shape."""

    id: str
    object: Literal["model"] = "model"
    created: int = _SINCE
    owned_by: str


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models")
async def list_models(scope: Scope) -> ModelList:
    """What may be named as `model`."""
    return ModelList(data=[Model(id=TWIN, owned_by=scope.author_id)])


@router.get("/models/{model}")
async def get_model(scope: Scope, model: str) -> Model:
    """One model."""
    check_model(model)
    return Model(id=TWIN, owned_by=scope.author_id)


def check_model(model: str) -> None:
    """Raise NotFound for any other model."""
    if model != TWIN:
        raise NotFound(f"there is no model {model[:100]!r}; this platform serves {TWIN!r}")
