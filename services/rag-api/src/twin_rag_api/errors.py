"""Problem details (RFC 9457) for every error, whatever raised it.

Each also carries `error`, the object that OpenAI's clients read their message from.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException

from twin_common.errors import InvalidUrl, ServerUnavailable, TwinError, UnknownAuthor
from twin_common.models import ForbiddenStage
from twin_common.warehouse import UnknownModel
from twin_rag_api.auth import Unauthenticated
from twin_rag_api.quota import QuotaExceeded

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class NotFound(TwinError):
    """What was asked for does not exist, or is another author's: which of both is not told."""


class InvalidRequest(TwinError):
    """The request contradicts itself or lacks something; `parameter` names what."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


class UnsupportedParameter(TwinError):
    """The engine that was chosen cannot follow a parameter; `parameter` names it."""

    def __init__(self, parameter: str, engine: str, detail: str) -> None:
        super().__init__(f"the engine {engine!r} cannot follow {parameter}: {detail}")
        self.parameter = parameter


class NotReady(TwinError):
    """Something this answer needs is still missing; asking again later may help."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__("; ".join(missing))
        self.missing = tuple(missing)


class InvalidField(BaseModel):
    """One field of a request that is wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    field: str
    """Where it is, such as messages.0.content."""
    detail: str


class OpenAIError(BaseModel):
    """The same problem in the shape of OpenAI's API."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


class Problem(BaseModel):
    """Problem details as of RFC 9457."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[InvalidField] | None = None
    """What is wrong with the request, field by field."""
    missing: list[str] | None = None
    """What the service waits for."""
    error: OpenAIError


def problem_response(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[InvalidField] | None = None,
    missing: list[str] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The one way an error leaves this service."""
    title = HTTPStatus(status).phrase
    problem = Problem(
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=errors,
        missing=missing,
        error=OpenAIError(
            message=detail,
            type=_openai_type(status),
            code=title.lower().replace(" ", "_"),
            param=errors[0].field if errors else None,
        ),
    )
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, status, media_type=MEDIA_TYPE, headers=headers)


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 404, 413, 422, 429, 503)
}
"""For the OpenAPI document: what any route below /v1 may answer besides its own."""


def install(app: FastAPI) -> None:
    """Give the application a handler for every kind of error."""
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(TwinError, _twin_error)
    app.add_exception_handler(PyMongoError, _warehouse_error)
    app.add_exception_handler(Exception, _unexpected)


_OPENAI_TYPES = {401: "authentication_error", 429: "rate_limit_error"}


def _openai_type(status: int) -> str:
    if status in _OPENAI_TYPES:
        return _OPENAI_TYPES[status]
    return "server_error" if status >= 500 else "invalid_request_error"


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette hands each handler its own kind
    details = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.method} is not possible here",
    }
    detail = details.get(error.status_code, str(error.detail))
    return problem_response(request, error.status_code, detail, headers=dict(error.headers or {}))


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = [_invalid_field(entry) for entry in error.errors()[:20]]
    detail = "; ".join(f"{entry.field}: {entry.detail}" for entry in errors[:3])
    return problem_response(request, 422, detail, errors=errors)


def _invalid_field(entry: Mapping[str, Any]) -> InvalidField:
    if entry["type"] == "json_invalid":
        return InvalidField(field="body", detail=f"it is no JSON: {entry['ctx']['error']}")
    parts = [str(part) for part in entry["loc"]]
    inner = parts[1:] if parts[0] in ("body", "query", "path") else parts
    return InvalidField(field=".".join(inner) or parts[0], detail=entry["msg"])


async def _twin_error(request: Request, error: Exception) -> JSONResponse:
    again = {"Retry-After": "2"}
    match error:
        case Unauthenticated():
            challenge = {"WWW-Authenticate": 'Bearer realm="twin"'}
            response = problem_response(request, 401, str(error), headers=challenge)
        case QuotaExceeded():
            wait = {"Retry-After": str(error.retry_after)}
            response = problem_response(request, 429, str(error), headers=wait)
        case ForbiddenStage():
            response = problem_response(request, 409, str(error))
        case NotFound() | UnknownAuthor() | UnknownModel():
            response = problem_response(request, 404, str(error))
        case UnsupportedParameter():
            field = InvalidField(field=error.parameter, detail=str(error))
            response = problem_response(request, 400, str(error), errors=[field])
        case InvalidRequest():
            field = InvalidField(field=error.parameter, detail=str(error))
            response = problem_response(request, 422, str(error), errors=[field])
        case InvalidUrl():
            response = problem_response(request, 422, str(error))
        case NotReady():
            response = problem_response(request, 503, str(error), missing=list(error.missing), headers=again)
        case ServerUnavailable():
            log.warning("a server is away", error=str(error)[:300])
            response = problem_response(request, 503, str(error), headers=again)
        case _:
            response = await _unexpected(request, error)
    return response


async def _warehouse_error(request: Request, error: Exception) -> JSONResponse:
    log.warning("the warehouse failed", error=str(error)[:300])
    detail = "the warehouse does not answer; try again in a moment"
    return problem_response(request, 503, detail, headers={"Retry-After": "2"})


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed unexpectedly", path=request.url.path, exc_info=error)
    return problem_response(request, 500, "something went wrong here; the log of the service says what")
