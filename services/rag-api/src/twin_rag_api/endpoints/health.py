"""What an orchestrator and Prometheus ask."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from twin_rag_api.dependencies import ServiceResources
from twin_rag_api.errors import NotReady, Problem

router = APIRouter(tags=["health"])


@router.get("/livez", response_class=PlainTextResponse)
async def livez() -> str:
    """The process answers."""
    return "ok\n"


@router.get("/readyz", response_class=PlainTextResponse, responses={503: {"model": Problem}})
async def readyz(resources: ServiceResources) -> str:
    """A search can be answered; otherwise 503 names what is missing."""
    missing = await resources.missing()
    if missing:
        raise NotReady(missing)
    return "ok\n"


@router.get("/metrics", response_class=Response)
async def metrics() -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
