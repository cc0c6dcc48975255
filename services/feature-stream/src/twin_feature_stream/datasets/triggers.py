"""When a dataset is built without being asked for. Nothing here does I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from twin_common.documents import Timestamp


@dataclass(frozen=True)
class TriggerPolicy:
    """What makes a build due."""

    every: timedelta = timedelta(days=7)
    """So long after the last build, where anything at all changed."""
    new_characters: int = 20_000
    """So much new or changed text makes it due at once; about three articles."""
    at_least_apart: timedelta = timedelta(minutes=30)
    """A crawl that brings in an archive is one occasion, not fifty."""


class LastBuild(BaseModel):
    """What the last build of an author's dataset saw, also where it was refused or changed nothing."""

    model_config = ConfigDict(frozen=True)
    at: Timestamp
    documents: dict[str, int]
    """Versions by document."""
    feedback: int = 0


@dataclass(frozen=True)
class Present:
    """What a build would see now."""

    documents: Mapping[str, int]
    lengths: Mapping[str, int]
    """Of the documents' texts, in characters."""
    feedback: int


def due(last: LastBuild | None, present: Present, now: datetime, policy: TriggerPolicy) -> str | None:
    """Why a build is due, in a sentence; None when it is not."""
    if not present.documents:
        return None
    if last is None:
        return "there was no build yet"
    if now - last.at < policy.at_least_apart:
        return None
    changed = {key for key, version in present.documents.items() if last.documents.get(key) != version}
    gone = last.documents.keys() - present.documents.keys()
    characters = sum(present.lengths.get(key, 0) for key in changed)
    if characters >= policy.new_characters:
        return f"{characters} characters are new or changed"
    if now - last.at >= policy.every and (changed or gone or present.feedback != last.feedback):
        return f"the last build was {(now - last.at).days} days ago, and something changed"
    return None
