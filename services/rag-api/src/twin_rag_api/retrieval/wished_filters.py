"""Filters that a question asks for are wishes: what finds nothing is dropped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields, replace

from twin_rag_api.retrieval.passages import EVERYTHING, Passage, SearchFilters

SearchWith = Callable[[SearchFilters], Awaitable[list[Passage]]]
_TIMES = ("published_after", "published_before")


@dataclass(frozen=True)
class WishPolicy:
    """When a filter has found something."""

    margin: float = 0.15
    """A best score this much below the best without the filter is as good as nothing: then the question was
    misread, or the author wrote of this elsewhere."""


@dataclass(frozen=True)
class Granted:
    """What was found, and by which of the wishes."""

    passages: list[Passage]
    filters: SearchFilters
    dropped: SearchFilters


async def search_as_wished(
    search: SearchWith, given: SearchFilters, wished: SearchFilters, policy: WishPolicy = WishPolicy()
) -> Granted:
    """Search with as many of the wishes as find something.

    Args:
        search: with some filters.
        given: the caller's own filters, which always hold; what they say, the question's do not change.
        wished: what the question asks for.
        policy: when that has found something.
    """
    parts = _parts(combined(given, wished), given)
    if not parts:
        return Granted(await search(given), given, EVERYTHING)
    whole = combined(given, wished)
    plain, found = await asyncio.gather(search(given), search(whole))
    if _is_worth(found, plain, policy):
        return Granted(found, whole, EVERYTHING)
    if len(parts) > 1:
        alone = await asyncio.gather(*(search(combined(given, part)) for part in parts))
        kept = [part for part, own in zip(parts, alone, strict=True) if _is_worth(own, plain, policy)]
        if 0 < len(kept) < len(parts):
            fewer = given
            for part in kept:
                fewer = combined(fewer, part)
            found = await search(fewer)
            if _is_worth(found, plain, policy):
                dropped = [part for part in parts if part not in kept]
                return Granted(found, fewer, _together(dropped))
    return Granted(plain, given, _together(parts))


def combined(first: SearchFilters, second: SearchFilters) -> SearchFilters:
    """The first filters, and of the second what the first leave open; a time span is one thing."""
    if first.published_after or first.published_before:
        second = replace(second, published_after=None, published_before=None)
    return replace(second, **{name: value for name, value in vars(first).items() if value is not None})


def told(filters: SearchFilters) -> str:
    """The filters in words, such as "platform linkedin, from 2024-01-01, before 2025-01-01"."""
    words = [
        f"{name} {value}" for name, value in vars(filters).items() if value is not None and name not in _TIMES
    ]
    if filters.published_after:
        words.append(f"from {filters.published_after:%Y-%m-%d}")
    if filters.published_before:
        words.append(f"before {filters.published_before:%Y-%m-%d}")
    return ", ".join(words)


def _is_worth(found: Sequence[Passage], plain: Sequence[Passage], policy: WishPolicy) -> bool:
    return bool(found) and found[0].score >= plain[0].score - policy.margin


def _parts(whole: SearchFilters, given: SearchFilters) -> list[SearchFilters]:
    """What `whole` adds to `given`, a property at a time."""
    added = {
        field.name: value
        for field in fields(whole)
        if (value := getattr(whole, field.name)) is not None and getattr(given, field.name) is None
    }
    times = {name: added.pop(name) for name in _TIMES if name in added}
    parts = [replace(EVERYTHING, **{name: value}) for name, value in added.items()]
    return [*parts, replace(EVERYTHING, **times)] if times else parts


def _together(parts: Sequence[SearchFilters]) -> SearchFilters:
    whole = EVERYTHING
    for part in parts:
        whole = combined(whole, part)
    return whole
