"""The OpenAPI document, with what FastAPI cannot know: the chunks of a stream, and the type of problems."""

from typing import Any

from fastapi import FastAPI

from twin_rag_api.endpoints.chat_answer import ChatCompletionChunk
from twin_rag_api.errors import MEDIA_TYPE

_REFERENCE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Complete the application's document; it is made once, at the first request for it."""
    generate = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            chunk = ChatCompletionChunk.model_json_schema(ref_template=_REFERENCE)
            parts = chunk.pop("$defs")
            document["components"]["schemas"] |= {**parts, ChatCompletionChunk.__name__: chunk}
            for operations in document["paths"].values():
                for operation in operations.values():
                    _type_problems(operation["responses"])
        return app.openapi_schema or {}

    app.openapi = complete  # type: ignore[method-assign]


def _type_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        if status >= "400" and "application/json" in content:
            response["content"] = {MEDIA_TYPE: content["application/json"]}
