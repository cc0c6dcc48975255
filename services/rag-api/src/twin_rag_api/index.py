"""The vector index as this service sees it: whether it is there, and its failures in the platform's words."""

from collections.abc import Awaitable
from typing import TypeVar

from qdrant_client import AsyncQdrantClient
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from twin_common.errors import ServerUnavailable
from twin_common.vector_index import CHUNKS, DOCUMENTS
from twin_rag_api.errors import NotReady

_Answer = TypeVar("_Answer")


async def answered(request: Awaitable[_Answer], collection: str) -> _Answer:
    """What the index answers.

    Raises:
        NotReady: the collection does not exist yet, or holds vectors of another length.
        ServerUnavailable: the index does not answer.
    """
    try:
        return await request
    except UnexpectedResponse as error:
        if error.status_code == 404:
            raise NotReady([f"the collection {collection} does not exist yet"]) from error
        if error.status_code is not None and error.status_code >= 500:
            raise ServerUnavailable("the vector index failed; try again in a moment") from error
        if error.status_code == 400 and b"dimension" in error.content:
            raise NotReady([f"{collection} was built with another encoder than this service has"]) from error
        raise
    except ApiException as error:
        raise ServerUnavailable("the vector index does not answer; try again in a moment") from error


async def missing_collections(client: AsyncQdrantClient) -> list[str]:
    """A sentence for each collection that is not there yet, or for an index that is away."""
    try:
        aliases = {entry.alias_name for entry in (await client.get_aliases()).aliases}
    except ApiException as error:
        return [f"the vector index does not answer: {str(error)[:200]}"]
    return [
        f"the collection {name} does not exist yet: the feature stream makes it"
        for name in (CHUNKS, DOCUMENTS)
        if name not in aliases
    ]
