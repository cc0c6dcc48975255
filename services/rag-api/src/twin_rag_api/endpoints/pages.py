"""The web page and the API's documentation: static files, the same for everyone, without any data."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from twin_rag_api.errors import NotFound

router = APIRouter(include_in_schema=False)

_WEB = Path(str(files("twin_rag_api") / "web"))
_CACHED = {"Cache-Control": "no-cache"}
_FILES = {
    path.relative_to(_WEB).as_posix(): path
    for path in _WEB.rglob("*")
    if path.suffix in {".js", ".css", ".svg"}
}
"""What there is; nothing that a request says becomes part of a path."""


def _page(path: Path) -> FileResponse:
    return FileResponse(path, headers=_CACHED)


@router.get("/")
async def home() -> FileResponse:
    """Ask, write, and look after what the twin knows."""
    return _page(_WEB / "index.html")


@router.get("/docs")
async def docs() -> FileResponse:
    """The API, read from /openapi.json."""
    return _page(_WEB / "docs.html")


@router.get("/web/{name:path}")
async def web_file(name: str) -> FileResponse:
    """Modules, styles and signs of both pages."""
    if name not in _FILES:
        raise NotFound(f"there is no file {name[:100]!r}")
    return _page(_FILES[name])
