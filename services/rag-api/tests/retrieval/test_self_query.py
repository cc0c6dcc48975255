"""What a question asks for besides its topic, read by rules."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category
from twin_rag_api.retrieval.passages import EVERYTHING, SearchFilters
from twin_rag_api.retrieval.self_query import read_question

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[4]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(first: str, end: str | None = None, **more: Any) -> SearchFilters:
    return SearchFilters(published_after=day(first), published_before=day(end) if end else None, **more)


@pytest.mark.parametrize(
    ("question", "filters"),
    [
        ("What did I write last year about Kafka?", between("2025-01-01", "2026-01-01")),
        ("What did I write about Kafka in March 2024?", between("2024-03-01", "2024-04-01")),
        ("What did I publish on 5 March 2024?", between("2024-03-05", "2024-03-06")),
        ("What did I write on March 5th, 2024 about tides?", between("2024-03-05", "2024-03-06")),
        ("What did I write on 2024-12-31?", between("2024-12-31", "2025-01-01")),
        ("What have I said on tides since 2024?", between("2024-01-01")),
        ("What did I write after May 2023 on tides?", between("2023-06-01")),
        ("What did the author write before June 2022?", SearchFilters(published_before=day("2022-06-01"))),
        ("What did I write until 2022 about tides?", SearchFilters(published_before=day("2023-01-01"))),
        ("What did I write between May 2023 and July 2023?", between("2023-05-01", "2023-08-01")),
        ("What did I write from 2020 to 2022 on search?", between("2020-01-01", "2023-01-01")),
        ("What did I write in Q3 2024?", between("2024-07-01", "2024-10-01")),
        ("What did I write last quarter?", between("2026-07-01", "2026-10-01")),
        ("What did I write in December?", between("2025-12-01", "2026-01-01")),
        ("What did I write last week?", between("2026-11-16", "2026-11-23")),
        ("What did I tweet yesterday?", between("2026-11-23", "2026-11-24", platform="x")),
        ("Which articles from 2023 mention Rust?", between("2023-01-01", "2024-01-01")),
        ("last year's articles on GPUs", between("2025-01-01", "2026-01-01")),
        ("my 2023 articles", between("2023-01-01", "2024-01-01", category=Category.ARTICLE)),
        ("Was habe ich 2023 über Kafka geschrieben?", between("2023-01-01", "2024-01-01")),
        ("Was schrieb ich im März 2024?", between("2024-03-01", "2024-04-01")),
        ("Was habe ich seit Mai 2025 veröffentlicht?", between("2025-05-01")),
        ("Was habe ich zwischen 2020 und 2022 geschrieben?", between("2020-01-01", "2023-01-01")),
        (
            "Was habe ich letztes Jahr auf LinkedIn geschrieben?",
            between("2025-01-01", "2026-01-01", platform="linkedin"),
        ),
    ],
)
class TestTime:
    def test_it_is_read_in_english_and_german(self, question: str, filters: SearchFilters) -> None:
        assert read_question(question, NOW).filters == filters


class TestSpansToNow:
    def test_they_end_now(self) -> None:
        filters = read_question("What have I published in the last three months?", NOW).filters
        assert filters == SearchFilters(published_after=day("2026-08-24"), published_before=NOW)

    def test_a_shorter_month_ends_earlier(self) -> None:
        now = datetime(2026, 3, 31, tzinfo=UTC)
        filters = read_question("What did I write in the last month?", now).filters
        assert filters == between("2026-02-01", "2026-03-01")
        filters = read_question("What did I write in the past 1 months?", now).filters
        assert filters.published_after == day("2026-02-28")


@pytest.mark.parametrize(
    ("question", "filters"),
    [
        ("my LinkedIn posts about hiring", SearchFilters(Category.POST, "linkedin")),
        ("What did I post on LinkedIn about hiring?", SearchFilters(platform="linkedin")),
        ("What did you say on X about hiring?", SearchFilters(platform="x")),
        ("my Medium posts on tides", SearchFilters(platform="medium")),
        ("Which of my tweets mention tides?", SearchFilters(Category.POST, "x")),
        ("How is a retry done in my code?", SearchFilters(Category.CODE)),
        ("In meinem Code: wie wird gewartet?", SearchFilters(Category.CODE)),
        ("Do my blog posts mention tides?", SearchFilters(Category.ARTICLE)),
        ("Was habe ich auf Deutsch über Tests geschrieben?", SearchFilters(language="de")),
        (
            "Welche meiner deutschen Artikel handeln von Tests?",
            SearchFilters(Category.ARTICLE, language="de"),
        ),
        ("What did I write in English about tests?", SearchFilters(language="en")),
        ("Do my posts and articles mention tides?", EVERYTHING),
    ],
)
class TestKind:
    def test_it_is_read_in_english_and_german(self, question: str, filters: SearchFilters) -> None:
        assert read_question(question, NOW).filters == filters


class TestTopics:
    """What a question is about is no filter."""

    @pytest.mark.parametrize(
        "question",
        [
            "What did I write about the 2019 rugby final?",
            "What did I say about models released in 2023?",
            "What did I write about LinkedIn's algorithm?",
            "How many passengers did the ferries carry in 2023?",
            "How are LinkedIn posts crawled?",
            "What happened in March 2024?",
            "my favourite book about code",
            "Answer in German: what did I write about tests?",
            "Explain on one page how code is reviewed last year",
            "What may I say in May?",
            "What did I write on 31 February 2024?",
        ],
    )
    def test_they_filter_nothing(self, question: str) -> None:
        reading = read_question(question, NOW)
        assert (reading.filters, reading.rest) == (EVERYTHING, question)

    def test_no_question_of_the_benchmarks_is_misread(self) -> None:
        files = [REPOSITORY / "bench/questions_articles.jsonl", REPOSITORY / "samples/questions.jsonl"]
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
        read = {row["question"]: read_question(row["question"], NOW).filters for row in rows}
        assert len(read) > 300
        assert set(read.values()) == {EVERYTHING}


class TestRest:
    def test_it_is_the_question_without_the_words_of_the_filters(self) -> None:
        reading = read_question("What did I post on LinkedIn in March about Kafka?", NOW)
        assert reading.rest == "What did I post about Kafka?"
        assert reading.question == "What did I post on LinkedIn in March about Kafka?"

    def test_a_question_without_a_topic_is_left_whole(self) -> None:
        assert read_question("my LinkedIn posts", NOW).rest == "my LinkedIn posts"


class TestFollowUps:
    def test_they_keep_what_was_asked_for_and_change_what_they_name(self) -> None:
        question = "What did I write on LinkedIn last year about tides?\nAnd what did I write on Medium?"
        filters = read_question(question, NOW).filters
        assert filters == between("2025-01-01", "2026-01-01", platform="medium")


class TestInvariants:
    @given(
        st.lists(
            st.sampled_from(
                (
                    *("my", "I", "did", "write", "wrote", "posts", "on", "LinkedIn", "in", "from", "between"),
                    *("and", "March", "2024", "31", "last", "999", "years", "since", "yesterday", "ich"),
                    *("auf", "Deutsch", "habe", "geschrieben", "code", "'s", ",", "\n", "2024-13-45", "Q4"),
                )
            ),
            max_size=30,
        ).map(" ".join)
        | st.text(max_size=200)
    )
    def test_any_text_is_read_and_spans_are_in_order(self, question: str) -> None:
        reading = read_question(question, NOW)
        assert reading.question == question
        assert len(reading.rest) <= len(question)
        after, before = reading.filters.published_after, reading.filters.published_before
        assert after is None or after.tzinfo is not None
        assert reading.filters.document_id is None
        if after and before and "between" not in question and "from" not in question:
            assert after < before
