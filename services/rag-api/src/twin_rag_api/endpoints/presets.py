"""The kinds of text that can be written."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from twin_common.documents import Category
from twin_rag_api.dependencies import Scope
from twin_rag_api.writing.presets import presets

router = APIRouter(prefix="/v1", tags=["writing"])


class PresetEntry(BaseModel):
    """A kind of text, and what the place allows where it is published."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    name: str
    """What `writing.preset` of a chat completion takes."""
    title: str
    category: Category
    """Of the author's texts whose style it follows."""
    platform: str | None
    characters: int | None
    """The longest part that the platform takes; null where it has no limit."""
    in_parts: bool
    """Whether it is published as several posts."""


class PresetList(BaseModel):
    """All presets."""

    presets: list[PresetEntry]


@router.get("/presets")
async def list_presets(_: Scope) -> PresetList:
    """What a text can be written as."""
    return PresetList(
        presets=[
            PresetEntry(
                name=preset.name,
                title=preset.title,
                category=preset.category,
                platform=preset.platform,
                characters=preset.characters,
                in_parts=preset.in_parts,
            )
            for preset in presets().values()
        ]
    )
