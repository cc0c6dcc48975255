"""What endpoints ask for."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from twin_rag_api.auth import AuthorScope, Unauthenticated
from twin_rag_api.errors import NotReady
from twin_rag_api.resources import ROOMS_ARE_MADE, Resources

_bearer = HTTPBearer(auto_error=False, description="An API key; it belongs to one author.")


def get_resources(request: Request) -> Resources:
    """What the service was started with."""
    resources: Resources = request.app.state.resources
    return resources


ServiceResources = Annotated[Resources, Depends(get_resources)]


async def get_scope(
    resources: ServiceResources,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> AuthorScope:
    """The author whose key came with the request; the request counts against the key's quota."""
    if credentials is None:
        raise Unauthenticated("send an API key as: Authorization: Bearer twin_…")
    scope = await resources.authenticator.authenticate(credentials.credentials)
    if not resources.has_rooms:
        raise NotReady([ROOMS_ARE_MADE])
    resources.rate_limit.take(scope.key_id)
    return scope


Scope = Annotated[AuthorScope, Depends(get_scope)]
