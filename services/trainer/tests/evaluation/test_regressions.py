import pytest

from twin_trainer.evaluation.bootstrap import BootstrapPolicy, Measure, interval
from twin_trainer.evaluation.models import Likelihood
from twin_trainer.evaluation.regressions import (
    clipped,
    empty,
    general_accuracy,
    general_questions,
    length_ratio,
    offensive_words,
    refusals,
    repetition,
)


def _value(measure: Measure) -> float:
    found = interval(measure, BootstrapPolicy(draws=10))
    assert found is not None
    return found.estimate


def test_an_answer_counts_where_the_right_option_is_the_likeliest() -> None:
    right = [Likelihood(1, 1, 1), Likelihood(2, 1, 1)]
    tied, broken = [Likelihood(1, 1, 1)] * 2, [Likelihood(float("nan"), 1, 1)] * 2
    assert _value(general_accuracy([right, right[::-1], tied, broken])) == 0.25


def test_every_general_question_has_four_different_options() -> None:
    assert len(general_questions()) == 30
    assert all(len(set(question.options)) == 4 for question in general_questions())


def test_a_text_in_circles_repeats_and_prose_does_not() -> None:
    assert _value(repetition(["I went home and " * 20])) > 0.9
    assert _value(repetition(["The lake was still, and nobody had yet come down to the boats."])) == 0


@pytest.mark.parametrize(
    ("text", "is_refusal"),
    [
        ("I’m sorry, but as an AI I cannot do this.", True),
        ("As a language model, I have no opinion.", True),
        ("I wrote this because I could. " * 20 + "I cannot say why.", False),
        ("Streams are lists that never end.", False),
    ],
)
def test_a_refusal_opens_the_text(text: str, is_refusal: bool) -> None:
    assert refusals([text]) == [float(is_refusal)]


def test_offensive_words_are_counted_by_the_thousand_and_whole() -> None:
    assert _value(offensive_words(["You idiot " + "word " * 98])) == 10
    assert _value(offensive_words(["Classic assets embarrass Scunthorpe"])) == 0


def test_length_is_told_by_the_authors() -> None:
    assert _value(length_ratio(["a b c"], ["a b c d e f"])) == 0.5
    assert empty(["", "  \n", "Well.", "Three words here"]) == [1, 1, 1, 0]


def test_clipping_keeps_what_stands_between_words() -> None:
    assert clipped("One  two\n\nthree four", 3) == "One  two\n\nthree"
    assert clipped("One two", 3) == "One two"
