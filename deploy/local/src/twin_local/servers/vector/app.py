"""The HTTP routes: Qdrant's paths and envelopes over a catalog of collections."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .body import Json
from .catalog import Catalog
from .collection import Collection
from .errors import RequestError
from .points import json_default

VERSION = "1.20.0"
"""The version of Qdrant whose REST API this is, as `GET /` tells it: clients compare it with their own."""

_logger = logging.getLogger(__name__)
_MAINTENANCE_SECONDS = 5.0  # Qdrant's flush interval


@dataclass(frozen=True)
class _Call:
    """A request as a handler sees it."""

    catalog: Catalog
    path: dict[str, str]
    waits: bool
    body: Json

    @property
    def collection(self) -> Collection:
        return self.catalog.collection(self.path["name"])

    def updated(self) -> Json:
        """The answer to a write, applied either way; without `wait` Qdrant promises only its receipt."""
        return {"operation_id": None, "status": "completed" if self.waits else "acknowledged"}


def _aliases(call: _Call) -> Json:
    return {
        "aliases": [
            {"alias_name": alias, "collection_name": target}
            for alias, target in call.catalog.aliases().items()
        ]
    }


def _collection_aliases(call: _Call) -> Json:
    _ = call.collection
    name = call.catalog.resolve(call.path["name"])
    return {"aliases": [entry for entry in _aliases(call)["aliases"] if entry["collection_name"] == name]}


def _change_aliases(call: _Call) -> Json:
    call.catalog.change_aliases(call.body)
    return True


def _collections(call: _Call) -> Json:
    return {"collections": [{"name": name} for name in call.catalog.names()]}


def _exists(call: _Call) -> Json:
    return {"exists": call.catalog.resolve(call.path["name"]) in call.catalog.names()}


def _create_collection(call: _Call) -> Json:
    call.catalog.create(call.path["name"], call.body)
    return True


def _create_index(call: _Call) -> Json:
    call.collection.create_index(call.body)
    return call.updated()


def _delete_index(call: _Call) -> Json:
    call.collection.delete_index(call.path["field"])
    return call.updated()


def _update(kind: str) -> Callable[[_Call], Json]:
    def update(call: _Call) -> Json:
        call.collection.update(kind, call.body)
        return call.updated()

    return update


def _update_batch(call: _Call) -> Json:
    return [call.updated()] * call.collection.update_batch(call.body)


_COLLECTION = "/collections/{name}"
_POINTS = "/collections/{name}/points"
_HANDLERS: tuple[tuple[str, str, Callable[[_Call], Json]], ...] = (
    ("GET", "/collections", _collections),
    ("GET", "/aliases", _aliases),
    ("POST", "/collections/aliases", _change_aliases),
    ("GET", _COLLECTION, lambda call: call.collection.describe()),
    ("PUT", _COLLECTION, _create_collection),
    ("DELETE", _COLLECTION, lambda call: call.catalog.delete(call.path["name"])),
    ("GET", f"{_COLLECTION}/exists", _exists),
    ("GET", f"{_COLLECTION}/aliases", _collection_aliases),
    ("PUT", f"{_COLLECTION}/index", _create_index),
    ("DELETE", f"{_COLLECTION}/index/{{field:path}}", _delete_index),
    ("POST", f"{_COLLECTION}/facet", lambda call: call.collection.facet(call.body)),
    ("PUT", _POINTS, _update("upsert")),
    ("POST", _POINTS, lambda call: call.collection.retrieve(call.body)),
    ("POST", f"{_POINTS}/delete", _update("delete")),
    ("POST", f"{_POINTS}/batch", _update_batch),
    ("POST", f"{_POINTS}/payload", _update("set_payload")),
    ("PUT", f"{_POINTS}/payload", _update("overwrite_payload")),
    ("POST", f"{_POINTS}/payload/delete", _update("delete_payload")),
    ("POST", f"{_POINTS}/payload/clear", _update("clear_payload")),
    ("PUT", f"{_POINTS}/vectors", _update("update_vectors")),
    ("POST", f"{_POINTS}/vectors/delete", _update("delete_vectors")),
    ("POST", f"{_POINTS}/scroll", lambda call: call.collection.scroll(call.body)),
    ("POST", f"{_POINTS}/count", lambda call: call.collection.count(call.body)),
    ("POST", f"{_POINTS}/query", lambda call: call.collection.query(call.body)),
    ("POST", f"{_POINTS}/query/batch", lambda call: call.collection.query_batch(call.body)),
    ("POST", f"{_POINTS}/query/groups", lambda call: call.collection.query_groups(call.body)),
    ("GET", f"{_POINTS}/{{point}}", lambda call: call.collection.retrieve_one(_point_id(call.path["point"]))),
)


def _point_id(text: str) -> Json:
    return int(text) if text.isdecimal() else text


def _answer(handler: Callable[[_Call], Json], call: Callable[[Json], _Call], raw: bytes) -> tuple[int, bytes]:
    """Status and body of the answer; everything from parsing to writing JSON, outside the event loop."""
    started = time.perf_counter()
    status = 200
    answer: dict[str, Json] = {"status": "ok"}
    try:
        answer["result"] = handler(call(orjson.loads(raw) if raw else {}))
    except orjson.JSONDecodeError as error:
        status, answer = 400, {"status": {"error": f"Format error in JSON body: {error}"}}
    except RequestError as error:
        status, answer = error.status, {"status": {"error": error.sentence}}
    answer["time"] = time.perf_counter() - started
    return status, orjson.dumps(answer, default=json_default)


def _route(method: str, path: str, handler: Callable[[_Call], Json]) -> Route:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()

        def call(body: Json) -> _Call:
            waits = request.query_params.get("wait") == "true"
            return _Call(request.app.state.catalog, request.path_params, waits, body)

        status, content = await asyncio.to_thread(_answer, handler, call, raw)
        return Response(content, status, media_type="application/json")

    return Route(path, endpoint, methods=[method])


async def _version(_request: Request) -> Response:
    return Response(
        orjson.dumps({"title": "twin local vector server", "version": VERSION}), media_type="application/json"
    )


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _metrics(request: Request) -> Response:
    """Prometheus text with Qdrant's own names, so that one dashboard serves both."""
    catalog: Catalog = request.app.state.catalog

    def read() -> str:
        lines = [
            "# HELP collections_total number of collections",
            "# TYPE collections_total gauge",
            f"collections_total {len(catalog.names())}",
            "# HELP collection_points number of points in a collection",
            "# TYPE collection_points gauge",
        ]
        for name in catalog.names():
            with suppress(RequestError):  # deleted meanwhile
                lines.append(f'collection_points{{id="{name}"}} {catalog.collection(name).points_count()}')
        return "\n".join(lines) + "\n"

    return PlainTextResponse(await asyncio.to_thread(read))


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    sentence = f"Not found: the local vector server has no route {request.method} {request.url.path}"
    return Response(orjson.dumps({"status": {"error": sentence}}), status, media_type="application/json")


async def _maintain(catalog: Catalog) -> None:
    while True:
        await asyncio.sleep(_MAINTENANCE_SECONDS)
        try:
            await asyncio.to_thread(catalog.maintain)
        except Exception:  # a full disk, say: the write-ahead log still holds what was not flushed
            _logger.exception(
                "flushing the collections failed; the next attempt is in %s s", _MAINTENANCE_SECONDS
            )


def create_app(catalog: Catalog) -> Starlette:
    """The server's application. It maintains the catalog while it runs and closes it when it stops."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        maintenance = asyncio.create_task(_maintain(catalog))
        try:
            yield
        finally:
            maintenance.cancel()
            with suppress(asyncio.CancelledError):
                await maintenance
            await asyncio.to_thread(catalog.close)

    app = Starlette(
        routes=[
            Route("/", _version),
            *(Route(path, _healthy) for path in ("/healthz", "/livez", "/readyz")),
            Route("/metrics", _metrics),
            *(_route(*handler) for handler in _HANDLERS),
        ],
        lifespan=lifespan,
        exception_handlers={404: _no_route, 405: _no_route},
    )
    app.state.catalog = catalog
    return app
