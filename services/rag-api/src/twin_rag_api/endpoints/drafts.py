"""Drafts: texts that are being worked on."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.endpoints.chat_answer import WrittenDraft, draft_of
from twin_rag_api.writing.drafts import Content, Draft, FeedbackState, Generated
from twin_rag_api.writing.presets import presets

router = APIRouter(prefix="/v1", tags=["writing"])


def _known(name: str) -> str:
    if name not in presets():
        raise ValueError(f"there is no such preset: choose among {', '.join(presets())}")
    return name


Text = Annotated[str, Field(max_length=64_000)]
Title = Annotated[str, Field(max_length=300)]
PresetName = Annotated[str, AfterValidator(_known)]


class GeneratedText(BaseModel):
    """The completion that a draft began as; with it, what the owner changes becomes feedback."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    completion_id: str = Field(min_length=1, max_length=200)
    model: str = Field(min_length=1, max_length=200)
    prompt: Annotated[str, Field(min_length=1, max_length=64_000)]
    """What was asked."""
    text: Annotated[str, Field(min_length=1, max_length=64_000)]
    """What was written."""


class DraftChange(BaseModel):
    """A draft's new title and text."""

    model_config = ConfigDict(extra="forbid")
    title: Title = ""
    text: Text


class NewDraft(DraftChange):
    """A text to be kept."""

    preset: PresetName
    generated: GeneratedText | None = None


class DraftEntry(BaseModel):
    """A draft as it is kept."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    draft_id: str
    preset: str
    title: str
    text: str
    written: WrittenDraft | None
    """The text as it would be published, with the platform's limit beside each part."""
    generated: GeneratedText | None
    feedback: FeedbackState
    """Whether the owner's changes are part of what the twin learns from."""
    created_at: datetime
    updated_at: datetime


class DraftList(BaseModel):
    """A page of drafts, the one saved last first."""

    total: int
    drafts: list[DraftEntry]


@router.post("/drafts", status_code=201)
async def create_draft(scope: Scope, resources: ServiceResources, request: NewDraft) -> DraftEntry:
    """Keep a text."""
    generated = Generated(**request.generated.model_dump()) if request.generated else None
    content = Content(request.preset, request.title, request.text, generated)
    return _entry(await resources.drafts.create(scope, content))


@router.get("/drafts")
async def list_drafts(
    scope: Scope,
    resources: ServiceResources,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> DraftList:
    """The author's drafts."""
    drafts, total = await resources.drafts.page(scope, offset, limit)
    return DraftList(total=total, drafts=list(map(_entry, drafts)))


@router.get("/drafts/{draft_id}")
async def get_draft(scope: Scope, resources: ServiceResources, draft_id: str) -> DraftEntry:
    """One draft."""
    return _entry(await resources.drafts.one(scope, draft_id))


@router.put("/drafts/{draft_id}")
async def save_draft(
    scope: Scope, resources: ServiceResources, draft_id: str, request: DraftChange
) -> DraftEntry:
    """Save a draft; the edit of a generated text becomes feedback, the newest in place of the one before."""
    return _entry(await resources.drafts.save(scope, draft_id, request.title, request.text))


@router.delete("/drafts/{draft_id}", status_code=204)
async def delete_draft(scope: Scope, resources: ServiceResources, draft_id: str) -> None:
    """Forget a draft."""
    await resources.drafts.delete(scope, draft_id)


def _entry(draft: Draft) -> DraftEntry:
    content = draft.content
    generated = GeneratedText(**vars(content.generated)) if content.generated else None
    return DraftEntry(
        draft_id=draft.draft_id,
        preset=content.preset,
        title=content.title,
        text=content.text,
        written=draft_of(presets().get(content.preset), content.text),
        generated=generated,
        feedback=draft.feedback,
        created_at=draft.created_at,
        updated_at=draft.updated_at,
    )
