import numpy as np
import pytest

from twin_trainer.evaluation.bootstrap import BootstrapPolicy, interval
from twin_trainer.evaluation.style.authorship import AuthorshipVerifier, masked
from twin_trainer.evaluation.style.delta import AuthorDelta
from twin_trainer.evaluation.style.profiles import function_word_profile, punctuation_profile
from twin_trainer.evaluation.style.words import function_words, marks_of, style_words, words_of

from ..material import text_by

_MINE = [text_by("terse", number) for number in range(12)]
_OTHERS = [text_by("stately", number) for number in range(12)]
_NEW_MINE = [text_by("terse", number) for number in range(50, 56)]
_NEW_OTHERS = [text_by("stately", number) for number in range(50, 56)]


class TestEveryMeasure:
    """By any of them a writer's new text is nearer to the writer than another's."""

    def test_delta(self) -> None:
        delta = AuthorDelta.fit(_MINE, _OTHERS, "en")
        assert delta.distance(" ".join(_NEW_MINE)) < delta.distance(" ".join(_NEW_OTHERS)) / 2

    def test_verifier(self) -> None:
        verifier = AuthorshipVerifier.fit(_MINE, _OTHERS, "en")
        assert verifier.probabilities(_NEW_MINE).min() > verifier.probabilities(_NEW_OTHERS).max()

    @pytest.mark.parametrize("name", ["function words", "punctuation"])
    def test_profiles(self, name: str) -> None:
        profile = (
            function_word_profile(_MINE, "en") if name == "function words" else punctuation_profile(_MINE)
        )
        mine, others = (
            interval(profile.measure(texts), BootstrapPolicy(draws=200)) for texts in (_NEW_MINE, _NEW_OTHERS)
        )
        assert mine is not None
        assert others is not None
        assert mine.high < others.low


class TestDelta:
    def test_the_author_is_nowhere_from_themself(self) -> None:
        assert AuthorDelta.fit(_MINE, _OTHERS, "en").distance(" ".join(_MINE)) == pytest.approx(0)

    def test_a_text_without_words_has_no_distance(self) -> None:
        assert np.isnan(AuthorDelta.fit(_MINE, _OTHERS, "en").distance("1 2 3"))


class TestVerifier:
    def test_the_subject_is_not_seen(self) -> None:
        kept = frozenset({"the", "of"})
        assert masked("The price\nof Kafka: 12 €", kept) == masked("The stone of Plato: 35 €", kept)
        assert masked("The price of Kafka", kept) == "The ***** of ^****"

    def test_an_empty_text_is_nobodys(self) -> None:
        assert AuthorshipVerifier.fit(_MINE, _OTHERS, "en").probabilities([" ", _NEW_MINE[0]])[0] == 0

    def test_one_side_is_not_enough(self) -> None:
        with pytest.raises(ValueError, match="others"):
            AuthorshipVerifier.fit(_MINE, [], "en")


class TestWords:
    def test_contractions_are_one_word_whatever_the_apostrophe(self) -> None:
        assert words_of("Don’t say it's 3 O'Clock") == ["don't", "say", "it's", "o'clock"]

    def test_marks_within_words_do_not_count(self) -> None:
        marks = marks_of("A well-known “fact”... isn't it?\n\nYes — 🚀!")
        assert marks == {'"': 2, "…": 1, "?": 1, "\n\n": 1, "—": 1, "emoji": 1, "!": 1}

    def test_a_language_without_a_list_is_told_by_its_commonest_words(self) -> None:
        texts = [
            f"och det är inte en {thing} som {thing} är" for thing in ("båt", "hund", "katt", "sjö", "bil")
        ]
        assert not function_words("sv")
        assert set(style_words(texts, "sv", 100)) == {"och", "det", "är", "inte", "en", "som"}
        assert style_words(texts, "sv", 1) == ("är",)

    def test_a_region_does_not_change_the_list(self) -> None:
        assert function_words("en-GB") == function_words("en")
        assert "the" in function_words("en")
        assert "weil" in function_words("de")
