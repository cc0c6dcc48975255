"""The web page and the API's documentation: static files, the same for everyone, without any data."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

router = APIRouter(include_in_schema=False)

_WEB = Path(str(files("twin_rag_api") / "web"))
_CACHED = {"Cache-Control": "no-cache"}


def _page(name: str) -> FileResponse:
    return FileResponse(_WEB / name, headers=_CACHED)


@router.get("/")
async def home() -> FileResponse:
    """Ask, and see the documents."""
    return _page("index.html")


@router.get("/docs")
async def docs() -> FileResponse:
    """The API, read from /openapi.json."""
    return _page("docs.html")


@router.get("/app.js")
async def app_script() -> FileResponse:
    """The page's behaviour."""
    return _page("app.js")


@router.get("/docs.js")
async def docs_script() -> FileResponse:
    """The documentation's behaviour."""
    return _page("docs.js")


@router.get("/style.css")
async def style() -> FileResponse:
    """How both pages look."""
    return _page("style.css")


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """The sign in the browser's tab."""
    return _page("icon.svg")
