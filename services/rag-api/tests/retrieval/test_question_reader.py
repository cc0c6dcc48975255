"""What a language model adds to the reading of a question, and that it harms nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category
from twin_rag_api.retrieval.passages import EVERYTHING, SearchFilters
from twin_rag_api.retrieval.question_model import QuestionModel
from twin_rag_api.retrieval.question_reader import (
    QuestionReader,
    ReadingPolicy,
    filters_told,
    variants_told,
)
from twin_rag_api.settings import ApiSettings

from ..conftest import serving
from ..questions_upstream import QuestionServer

NOW = datetime(2026, 11, 24, tzinfo=UTC)
EVERY_STEP = ReadingPolicy(model_filters=True, variants=3, seconds=20)
HASTY = ReadingPolicy(model_filters=True, variants=3, seconds=0.3)
QUESTION = "what do I say on my page for hiring people about tides"
FAILURES = ["hang", "status", "no_json", "no_choices"]


@pytest.fixture
async def server() -> AsyncIterator[tuple[QuestionServer, str]]:
    started = QuestionServer()
    async with serving(started.app) as url:
        yield started, url


@pytest.fixture
async def model(server: tuple[QuestionServer, str]) -> AsyncIterator[QuestionModel]:
    settings = ApiSettings(llm_url=f"{server[1]}/v1", llm_model="small", question_timeout_seconds=60)
    connected = QuestionModel.connect(settings)
    assert connected is not None
    yield connected
    await connected.close()


def reader(model: QuestionModel | None, policy: ReadingPolicy) -> QuestionReader:
    return QuestionReader(model, policy, lambda: NOW)


class TestWithAModel:
    async def test_its_filters_and_variants_are_added(
        self, server: tuple[QuestionServer, str], model: QuestionModel
    ) -> None:
        server[0].filters = {"platform": {"value": "linkedin", "words": "my page for hiring people"}}
        server[0].variants = "1. harbour tide tables\n- when the sea rises"
        reading = await reader(model, EVERY_STEP).read(QUESTION)
        assert reading.filters == SearchFilters(platform="linkedin")
        assert reading.variants == ("harbour tide tables", "when the sea rises")

    async def test_all_that_it_is_asked_it_is_asked_at_once(
        self, server: tuple[QuestionServer, str], model: QuestionModel
    ) -> None:
        await reader(model, EVERY_STEP).read(QUESTION)
        assert (len(server[0].requests), server[0].together) == (2, 2)

    async def test_what_rules_have_read_it_does_not_change(
        self, server: tuple[QuestionServer, str], model: QuestionModel
    ) -> None:
        question = "What did I write on Medium?"
        server[0].filters = {
            "platform": {"value": "x", "words": "on Medium"},
            "category": {"value": "article", "words": "write"},
        }
        reading = await reader(model, EVERY_STEP).read(question)
        assert reading.filters == SearchFilters(Category.ARTICLE, "medium")

    async def test_a_text_is_not_sent_for_a_question(
        self, server: tuple[QuestionServer, str], model: QuestionModel
    ) -> None:
        text = "What did I write on Medium? " * 1000
        reading = await reader(model, EVERY_STEP).read(text)
        assert (reading.filters, reading.rest, server[0].requests) == (EVERYTHING, text, [])

    async def test_steps_that_are_not_set_are_not_taken(
        self, server: tuple[QuestionServer, str], model: QuestionModel
    ) -> None:
        reading = await reader(model, ReadingPolicy(rules=False)).read("my Medium posts")
        assert (reading.filters, server[0].requests) == (EVERYTHING, [])


class TestFailures:
    @pytest.mark.parametrize("script", FAILURES)
    async def test_the_rules_are_what_remains(
        self, server: tuple[QuestionServer, str], model: QuestionModel, script: str
    ) -> None:
        server[0].script = script
        policy = HASTY if script == "hang" else EVERY_STEP
        reading = await asyncio.wait_for(reader(model, policy).read("my Medium posts"), 30)
        assert (reading.filters, reading.variants) == (SearchFilters(platform="medium"), ())

    async def test_one_that_hangs_is_hung_up_on_and_then_left_alone(
        self, server: tuple[QuestionServer, str], model: QuestionModel
    ) -> None:
        server[0].script = "hang"
        for _ in range(2):
            await reader(model, HASTY).read(QUESTION)
        await asyncio.wait_for(server[0].left.wait(), 30)
        asked = len(server[0].requests)
        server[0].script = "answer"
        reading = await reader(model, EVERY_STEP).read(QUESTION)
        assert (len(server[0].requests), reading.variants) == (asked, ())

    async def test_one_that_is_away_is_done_without(self) -> None:
        model = QuestionModel.connect(ApiSettings(llm_url="http://127.0.0.1:1/v1", llm_model="small"))
        assert (await reader(model, EVERY_STEP).read(QUESTION)).variants == ()


class TestFilters:
    def test_those_that_quote_nothing_of_the_question_are_none(self) -> None:
        told = {
            "platform": {"value": "linkedin", "words": "on LinkedIn"},
            "language": {"value": "de", "words": " "},
            "category": {"value": "code", "words": "in my scripts"},
        }
        filters = filters_told(json.dumps(told), "How is that done IN MY  scripts?")
        assert filters == SearchFilters(Category.CODE)

    def test_values_that_there_are_not_are_none(self) -> None:
        told = {
            "platform": {"value": "myspace", "words": "tides"},
            "language": {"value": "German", "words": "tides"},
            "category": {"value": "poem", "words": "tides"},
            "published_after": {"value": "soon", "words": "tides"},
        }
        assert filters_told(json.dumps(told), "tides") == EVERYTHING

    def test_whose_texts_is_not_the_models_to_say(self) -> None:
        told = {
            "author_id": {"value": "bob", "words": "tides"},
            "document_id": {"value": "1", "words": "tides"},
        }
        assert filters_told(json.dumps(told), "tides") == EVERYTHING

    def test_times_are_in_utc_and_in_order(self) -> None:
        start, end = {"value": "2024-03-01", "words": "then"}, {"value": "2024-04-01", "words": "then"}
        filters = filters_told(json.dumps({"published_after": start, "published_before": end}), "then")
        assert filters.published_after == datetime(2024, 3, 1, tzinfo=UTC)
        swapped = json.dumps({"published_after": end, "published_before": start})
        assert filters_told(swapped, "then") == EVERYTHING

    def test_talk_around_the_object_is_passed_over(self) -> None:
        answer = (
            '<think>maybe {"platform": 1}</think>Here: {"platform": {"value": "x", "words": "on X"}} Done.'
        )
        assert filters_told(answer, "said on X") == SearchFilters(platform="x")

    @given(
        st.text(max_size=100)
        | st.recursive(st.text(), lambda own: st.dictionaries(st.text(), own)).map(json.dumps)
    )
    def test_garbage_is_told(self, answer: str) -> None:
        try:
            assert filters_told(answer, "tides") == EVERYTHING
        except ValueError:
            assert not answer.lstrip().startswith("{}")


class TestVariants:
    def test_there_are_no_more_than_wanted_and_none_twice(self) -> None:
        answer = "\n".join(["tides", "TIDES ", "* the sea", "2) the  Sea", "“moon”", "waves", "more"])
        assert variants_told(answer, "Tides", 3) == ("the sea", "moon", "waves")

    @pytest.mark.parametrize("answer", ["", "   \n", "...", "x" * 5000, "tides", "\x00\x01 harbour"])
    def test_what_is_none_is_told(self, answer: str) -> None:
        with pytest.raises(ValueError, match="no variant"):
            variants_told(answer, "tides", 3)

    @given(st.text(max_size=400), st.integers(1, 8))
    def test_they_are_short_lines(self, answer: str, most: int) -> None:
        try:
            found = variants_told(answer, "tides", most)
        except ValueError:
            return
        assert 1 <= len(found) <= most
        assert all(variant.isprintable() and len(variant) <= 300 for variant in found)
