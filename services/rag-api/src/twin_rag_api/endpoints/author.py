"""The caller: whose twin it is."""

from fastapi import APIRouter

from twin_common.documents import Author
from twin_rag_api.dependencies import Scope, ServiceResources

router = APIRouter(prefix="/v1", tags=["author"])


@router.get("/author")
async def get_author(scope: Scope, resources: ServiceResources) -> Author:
    """The author this key belongs to, with the registered links."""
    return await resources.warehouse.authors.get(scope.author_id)
