"""The models of the chat API: the author's twin, and what was deployed besides."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from twin_rag_api.dependencies import Scope, ServiceResources

router = APIRouter(prefix="/v1", tags=["chat"])

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
async def list_models(scope: Scope, resources: ServiceResources) -> ModelList:
    """What may be named as `model`."""
    names = resources.engines.names(scope)
    return ModelList(data=[Model(id=name, owned_by=scope.author_id) for name in names])


@router.get("/models/{model}")
async def get_model(scope: Scope, resources: ServiceResources, model: str) -> Model:
    """One model."""
    resources.engines.choose(scope, model)
    return Model(id=model, owned_by=scope.author_id)
