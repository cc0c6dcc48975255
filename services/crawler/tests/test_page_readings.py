"""Which of several readings of a page is taken."""

from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.page_readings import agree, likeness, most_agreed, shingles

ARTICLE = " ".join(f"Sentence {number} of the article says what it has to say." for number in range(30))
TEASERS = " ".join(f"Teaser {number} wants to be read instead of it." for number in range(30))
COMMENTS = " ".join(f"Commenter {number} never agrees with anybody at all." for number in range(60))

texts = st.lists(st.sampled_from(["log", "index", "reader", "writer"]), max_size=12).map(" ".join)


class TestLikeness:
    def test_details_do_not_matter_and_another_text_does(self) -> None:
        assert agree(ARTICLE, f"By Ada. {ARTICLE}")
        assert not agree(ARTICLE, COMMENTS)
        assert not agree(ARTICLE, f"{ARTICLE} {TEASERS}")

    @given(texts, texts)
    def test_it_is_symmetric_and_a_share(self, one: str, other: str) -> None:
        forth, back = likeness(shingles(one), shingles(other)), likeness(shingles(other), shingles(one))
        assert forth == back
        assert 0 <= forth <= 1
        assert likeness(shingles(one), shingles(one)) == 1


class TestMostAgreed:
    def test_two_that_agree_outvote_the_first(self) -> None:
        assert most_agreed([TEASERS, ARTICLE, f"{ARTICLE} Share this."]) in (
            ARTICLE,
            f"{ARTICLE} Share this.",
        )

    def test_the_first_is_trusted_where_nobody_agrees(self) -> None:
        assert most_agreed([ARTICLE, TEASERS, COMMENTS]) == ARTICLE

    def test_a_witness_decides_between_two(self) -> None:
        assert most_agreed([TEASERS, ARTICLE]) == TEASERS
        assert most_agreed([TEASERS, ARTICLE, COMMENTS], [ARTICLE]) == ARTICLE

    def test_an_empty_reading_is_never_taken_while_another_holds_text(self) -> None:
        assert most_agreed(["", ARTICLE, ""]) == ARTICLE
        assert most_agreed(["", "", ""]) == ""

    @given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, max_size=2))
    def test_it_is_one_of_the_readings(self, readings: list[str], witnesses: list[str]) -> None:
        assert most_agreed(readings, witnesses) in readings
