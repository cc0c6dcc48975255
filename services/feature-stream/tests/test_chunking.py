import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category
from twin_common.embedding import EmbeddingSettings, load_embedder
from twin_feature_stream.chunking import ChunkingPolicy, CountTokens, Passage, chunk_texts


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


def count_characters(texts: Sequence[str]) -> list[int]:
    return [len(text) + 2 for text in texts]


def count_pairs(texts: Sequence[str]) -> list[int]:
    """A tokenizer that makes more of a whole than of its parts."""
    return [len(text.split()) + text.count(" ") // 2 + 2 for text in texts]


COUNTERS = (count_words, count_characters, count_pairs)
POLICY = ChunkingPolicy(max_tokens=24, passage_tokens=24, step_tokens=12, section_tokens=8)
TWO_SENTENCES = ChunkingPolicy(max_tokens=24, passage_tokens=18, step_tokens=10)
NO_OVERLAP = ChunkingPolicy(max_tokens=24, passage_tokens=1, step_tokens=24, section_tokens=8)

_words = st.text(alphabet="abcdeé'日", min_size=1, max_size=12)
_sentences = st.lists(_words, min_size=1, max_size=12).map(lambda words: " ".join(words).capitalize() + ".")
_lines = st.one_of(
    _sentences,
    st.sampled_from(
        ["", "", "# Heading", "## Deeper one", "```", "```python", "    x = f(y)", "- item", "| a | b |"]
    ),
    st.text(alphabet="ab \t#`.!?", max_size=30),
)
_texts = st.lists(_lines, max_size=25).map("\n".join)


def chunks_of(
    text: str,
    category: Category = Category.ARTICLE,
    count: CountTokens = count_words,
    policy: ChunkingPolicy = POLICY,
) -> tuple[Passage, ...]:
    return chunk_texts([(category, text)], count, policy)[0]


class TestInvariants:
    @given(_texts, st.sampled_from(list(Category)), st.sampled_from(COUNTERS))
    def test_nothing_is_lost_and_order_is_kept(
        self, text: str, category: Category, count: CountTokens
    ) -> None:
        passages = chunks_of(text, category, count)
        covered = [False] * len(text)
        for passage in passages:
            assert text[passage.start : passage.start + len(passage.text)] == passage.text
            covered[passage.start : passage.start + len(passage.text)] = [True] * len(passage.text)
        assert all(done or character.isspace() for done, character in zip(covered, text, strict=True))
        assert [passage.start for passage in passages] == sorted(passage.start for passage in passages)

    @given(_texts, st.sampled_from(list(Category)), st.sampled_from(COUNTERS))
    def test_every_chunk_fits_the_window(self, text: str, category: Category, count: CountTokens) -> None:
        for passage in chunks_of(text, category, count):
            assert passage.token_count == count([passage.text])[0] <= POLICY.max_tokens

    @given(st.lists(_texts, max_size=5))
    def test_texts_do_not_influence_each_other(self, texts: list[str]) -> None:
        together = chunk_texts([(Category.ARTICLE, text) for text in texts], count_words, POLICY)
        assert together == [chunks_of(text) for text in texts]

    @given(_texts)
    def test_no_passage_lies_within_another(self, text: str) -> None:
        for earlier, later in pairwise(chunks_of(text)):
            assert later.start > earlier.start
            assert later.start + len(later.text) > earlier.start + len(earlier.text)

    @given(_texts)
    def test_what_ends_a_passage_stands_inside_the_next(self, text: str) -> None:
        """Wherever two steps together fit a passage, they are one."""
        small = [count_words([passage.text])[0] - 2 for passage in chunks_of(text, policy=NO_OVERLAP)]
        assert sum(small) >= len(text.split()) * bool(small)
        for earlier, later in pairwise(chunks_of(text)):
            shared = text[later.start : earlier.start + len(earlier.text)]
            apart = text[earlier.start : later.start + len(later.text)]
            assert shared or count_words([apart])[0] > POLICY.passage_tokens

    def test_the_encoders_own_tokenizer_is_obeyed(self) -> None:
        embedder = load_embedder(EmbeddingSettings())
        text = (
            "Unbelievably hyperparametrised subword tokenisation, isn't it? " * 200
            + "x" * 5000
            + "日本語" * 500
        )
        policy = ChunkingPolicy(embedder.max_tokens)
        passages = chunk_texts([(Category.ARTICLE, text)], embedder.count_tokens, policy)[0]
        assert max(embedder.count_tokens([passage.text for passage in passages])) <= embedder.max_tokens
        assert len(passages) > 5

    def test_the_tokenizer_is_called_a_few_times_for_many_documents(self) -> None:
        calls = 0

        def count(texts: Sequence[str]) -> list[int]:
            nonlocal calls
            calls += 1
            return count_words(texts)

        text = "A sentence of a few words. " * 50 + "\n\n" + "word " * 400
        chunk_texts([(Category.ARTICLE, text)] * 50, count, POLICY)
        assert calls <= 6


class TestArticles:
    def test_a_short_document_is_one_chunk(self) -> None:
        (passage,) = chunks_of("Short.")
        assert passage == Passage(0, "Short.", (), 4)

    @pytest.mark.parametrize("text", ["", " \n\n \t"])
    def test_a_blank_one_has_none(self, text: str) -> None:
        assert chunks_of(text) == ()

    def test_the_heading_path_is_that_of_the_body(self) -> None:
        text = (
            "# Top\n\n"
            + "Word " * 10
            + ".\n\n## Part\n\n"
            + "More " * 10
            + ".\n\n# Next\n\n"
            + "Last " * 10
            + "."
        )
        passages = chunks_of(text, policy=NO_OVERLAP)
        assert [passage.heading_path for passage in passages] == [("Top",), ("Top", "Part"), ("Next",)]

    def test_a_heading_goes_with_what_it_heads(self) -> None:
        text = (
            "Some words stand here first of all, eighteen tokens or so in all of them.\n\n# H\n\n"
            + "Body " * 18
        )
        first, second = chunks_of(text, policy=replace(NO_OVERLAP, section_tokens=100))
        assert not first.text.endswith("# H")
        assert second.text.startswith("# H")

    def test_a_passage_begins_at_every_step(self) -> None:
        sentences = [f"Sentence {number} has just some words." for number in range(4)]
        texts = [passage.text for passage in chunks_of(" ".join(sentences), policy=TWO_SENTENCES)]
        assert texts == [" ".join(sentences[first : first + 2]) for first in range(3)]

    def test_a_fence_that_fits_stays_whole(self) -> None:
        fence = "```python\na = 1\n\n# no heading\nb = 2\n```"
        passages = chunks_of("Words " * 15 + "\n\n" + fence + "\n\n" + "Words " * 15, policy=NO_OVERLAP)
        assert any(fence in passage.text for passage in passages)
        assert {passage.heading_path for passage in passages} == {()}

    def test_a_long_fence_breaks_at_lines(self) -> None:
        fence = "```\n" + "\n".join(f"call_{number}(x)" for number in range(30)) + "\n```"
        passages = chunks_of(fence)
        assert len(passages) > 1
        lines = fence.split("\n")
        assert all(line in lines for passage in passages for line in passage.text.split("\n"))


class TestOtherCategories:
    def test_code_breaks_between_blocks(self) -> None:
        block = "def f_{0}(a):\n    b = a\n\n    return b"
        passages = chunks_of("\n\n".join(block.format(number) for number in range(4)), Category.CODE)
        assert len(passages) > 1
        assert all(passage.text.startswith("def ") for passage in passages)

    def test_code_keeps_its_indentation(self) -> None:
        text = "class A:\n" + "\n".join(f"    field_{number} = {number}" for number in range(30))
        assert all(passage.text.startswith("    ") for passage in chunks_of(text, Category.CODE)[1:])

    def test_headings_do_not_divide_a_post(self) -> None:
        text = "# One\n\nTen words of text that make a section here.\n\n# Two\n\nMore."
        assert len(chunks_of(text, policy=NO_OVERLAP)) == 2
        (passage,) = chunks_of(text, Category.POST, policy=NO_OVERLAP)
        assert passage.text == text
