"""The kinds of text that can be written; they are rows of presets.toml, and here is how they are read."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from twin_common.documents import Category


@dataclass(frozen=True)
class Preset:
    """A kind of text, where it is published, and what that place allows."""

    name: str
    title: str
    """For a person to choose by."""
    category: Category
    """Of the owner's texts that are examples of its style."""
    form: str
    """A rule for the model, in a sentence."""
    from_idea: str
    from_skeleton: str
    sections: int
    """How many parts an outline without a language model gets, where no skeleton names them."""
    platform: str | None = None
    characters: int | None = None
    """The longest part that the platform takes."""
    weighted: bool = False
    """Whether the platform counts as X does."""

    @property
    def in_parts(self) -> bool:
        """Whether it is published as several posts, each with the limit."""
        return self.weighted


@cache
def presets() -> Mapping[str, Preset]:
    """All of them, by name."""
    text = (files("twin_rag_api.writing") / "presets.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return MappingProxyType(
        {name: Preset(name=name, category=Category(row.pop("category")), **row) for name, row in rows.items()}
    )


def instruction(preset: Preset, idea: str, skeleton: str | None) -> str:
    """What a model is asked, word for word; also the prompt of the feedback on what it wrote."""
    # One pass over the template, so that braces in what a person wrote mean nothing.
    template = preset.from_skeleton if skeleton else preset.from_idea
    parts = template.split("{idea}")
    return idea.join(part.replace("{skeleton}", skeleton or "") for part in parts).strip()
