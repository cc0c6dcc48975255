"""Filters that a question asks for are dropped where they find nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime

from twin_common.documents import Category
from twin_rag_api.retrieval.passages import EVERYTHING, Passage, SearchFilters
from twin_rag_api.retrieval.wished_filters import combined, search_as_wished, told

from ..conftest import chunk

START = datetime(2024, 1, 1, tzinfo=UTC)
ON_LINKEDIN, SINCE_2024 = SearchFilters(platform="linkedin"), SearchFilters(published_after=START)
BOTH = combined(ON_LINKEDIN, SINCE_2024)


class Index:
    """Has a best score for some filters, and finds nothing with the others."""

    def __init__(self, scores: Mapping[SearchFilters, float]) -> None:
        self._scores = scores
        self.asked: list[SearchFilters] = []

    async def search(self, filters: SearchFilters) -> list[Passage]:
        self.asked.append(filters)
        found = chunk(told(filters))
        return [Passage(found, self._scores[filters], found.text)] if filters in self._scores else []


class TestGranted:
    async def test_what_finds_something_holds(self) -> None:
        index = Index({EVERYTHING: 0.7, ON_LINKEDIN: 0.6})
        granted = await search_as_wished(index.search, EVERYTHING, ON_LINKEDIN)
        assert (granted.filters, granted.dropped) == (ON_LINKEDIN, EVERYTHING)
        assert granted.passages[0].score == 0.6

    async def test_what_finds_nothing_is_dropped(self) -> None:
        granted = await search_as_wished(Index({EVERYTHING: 0.7}).search, EVERYTHING, ON_LINKEDIN)
        assert (granted.filters, granted.dropped) == (EVERYTHING, ON_LINKEDIN)
        assert granted.passages[0].score == 0.7

    async def test_what_finds_far_worse_is_dropped(self) -> None:
        index = Index({EVERYTHING: 0.7, ON_LINKEDIN: 0.5})
        assert (await search_as_wished(index.search, EVERYTHING, ON_LINKEDIN)).dropped == ON_LINKEDIN

    async def test_of_several_those_that_find_something_hold(self) -> None:
        index = Index({EVERYTHING: 0.7, ON_LINKEDIN: 0.65})
        granted = await search_as_wished(index.search, EVERYTHING, BOTH)
        assert (granted.filters, granted.dropped) == (ON_LINKEDIN, SINCE_2024)
        assert granted.passages[0].score == 0.65

    async def test_without_wishes_it_is_one_search(self) -> None:
        index = Index({ON_LINKEDIN: 0.5})
        granted = await search_as_wished(index.search, ON_LINKEDIN, EVERYTHING)
        assert index.asked == [ON_LINKEDIN]
        assert granted.filters == ON_LINKEDIN


class TestGiven:
    async def test_the_callers_filters_hold_whatever_the_question_says(self) -> None:
        on_x = SearchFilters(platform="x", category=Category.POST)
        index = Index({on_x: 0.5})
        granted = await search_as_wished(index.search, on_x, ON_LINKEDIN)
        assert index.asked == [on_x]
        assert granted.dropped == EVERYTHING

    async def test_a_time_of_the_caller_is_not_narrowed(self) -> None:
        given = SearchFilters(published_before=START)
        assert combined(given, SINCE_2024) == given


class TestWords:
    def test_they_name_every_filter(self) -> None:
        filters = SearchFilters(Category.POST, "linkedin", "de", START, datetime(2025, 1, 1, tzinfo=UTC))
        assert told(filters) == (
            "category post, platform linkedin, language de, from 2024-01-01, before 2025-01-01"
        )
