"""What a chat completion answers: OpenAI's shape, with citations, notices and drafts besides."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from twin_rag_api.generation.engines import Notice, Source, Usage
from twin_rag_api.writing.limits import parts_of
from twin_rag_api.writing.presets import Preset

FinishReason = Literal["stop", "length", "content_filter"]


class Citation(BaseModel):
    """A passage that the answer cites as [number]."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    number: int
    document_id: str | None
    """None for a page that the request linked to: it is no document of the author."""
    chunk_index: int
    url: str
    title: str
    text: str
    score: float


class AnswerNotice(BaseModel):
    """Something to know about how the answer came to be; `code` is a word for programs."""

    code: str
    detail: str


class DraftPart(BaseModel):
    """What is pasted as one post: the text without citations."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    text: str
    characters: int
    """As the platform counts."""
    limit: int | None
    """None: the platform has none."""
    fits: bool


class WrittenDraft(BaseModel):
    """A text that was written for a preset, as it would be published."""

    preset: str
    parts: list[DraftPart]


class AnswerMessage(BaseModel):
    """The answer; `citations`, `notices` and `draft` are this platform's extensions of OpenAI's shape."""

    role: Literal["assistant"] = "assistant"
    content: str
    citations: list[Citation]
    notices: list[AnswerNotice]
    draft: WrittenDraft | None = None


class ChatChoice(BaseModel):
    """One of the answers that were asked for."""

    index: int = 0
    message: AnswerMessage
    finish_reason: FinishReason


class ChatUsage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer in OpenAI's shape."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage


class ChunkDelta(BaseModel):
    """What a chunk adds; the last one brings citations and draft, notices come when they arise."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    citations: list[Citation] | None = None
    notices: list[AnswerNotice] | None = None
    draft: WrittenDraft | None = None


class ChunkChoice(BaseModel):
    """The next part of one of the answers."""

    index: int = 0
    delta: ChunkDelta
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(BaseModel):
    """A server-sent event of a streamed answer; the stream ends with `data: [DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatUsage | None = None


def total_usage(usages: list[Usage]) -> ChatUsage:
    """The prompt counts once, however many answers there are, as with OpenAI."""
    read = max((usage.input_tokens for usage in usages), default=0)
    written = sum(usage.output_tokens for usage in usages)
    return ChatUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def citations_of(sources: tuple[Source, ...]) -> list[Citation]:
    """The passages behind the numbers."""
    return [
        Citation(
            number=source.number,
            document_id=None if source.linked else source.passage.chunk.document_id,
            chunk_index=source.passage.chunk.chunk_index,
            url=source.passage.chunk.url,
            title=source.passage.chunk.title,
            text=source.passage.text,
            score=source.passage.score,
        )
        for source in sources
    ]


def notices_of(notices: tuple[Notice, ...]) -> list[AnswerNotice]:
    """As they are told."""
    return [AnswerNotice(code=notice.code, detail=notice.detail) for notice in notices]


def draft_of(preset: Preset | None, text: str) -> WrittenDraft | None:
    """The text cut into what is published, with the platform's limit beside each part."""
    if preset is None:
        return None
    parts = [
        DraftPart(text=part.text, characters=part.characters, limit=part.limit, fits=part.fits)
        for part in parts_of(preset, text)
    ]
    return WrittenDraft(preset=preset.name, parts=parts)
