from hypothesis import given
from hypothesis import strategies as st

from twin_trainer.evaluation.bootstrap import BootstrapPolicy, Measure, interval
from twin_trainer.evaluation.material import Canary
from twin_trainer.evaluation.memorisation import (
    TrainingText,
    canary_exposure,
    canary_variants,
    copied_share,
    extracted_share,
    extractions,
    find_canaries,
    longest_copied_words,
    novelty,
)
from twin_trainer.evaluation.models import Likelihood
from twin_trainer.evaluation.suffix_automaton import SuffixAutomaton

_words = st.lists(st.sampled_from("abc"), max_size=14)
_TRAINING = TrainingText.of(["One two three four five six seven eight nine ten.", "eleven, twelve, thirteen"])


def _value(measure: Measure) -> float:
    found = interval(measure, BootstrapPolicy(draws=10))
    assert found is not None
    return found.estimate


def _longest_by_trying(text: list[str], other: list[str]) -> int:
    runs = {tuple(text[start:end]) for start in range(len(text)) for end in range(start, len(text) + 1)}
    return max(
        (
            end - start
            for start in range(len(other))
            for end in range(start, len(other) + 1)
            if tuple(other[start:end]) in runs
        ),
        default=0,
    )


@given(_words, _words)
def test_the_automaton_finds_what_trying_all_runs_finds(text: list[str], other: list[str]) -> None:
    assert SuffixAutomaton(text).longest_match(other) == _longest_by_trying(text, other)


def test_case_and_punctuation_do_not_hide_a_copy() -> None:
    texts = ["He said: TWO, three; four -- five!", "nothing of it"]
    assert _value(longest_copied_words(_TRAINING, texts)) == 4


def test_a_run_does_not_go_from_one_training_text_into_the_next() -> None:
    assert _TRAINING.longest_shared_run("nine ten eleven twelve") == 2


def test_words_in_long_shared_runs_are_copied_and_others_are_new() -> None:
    copied = "one two three four five six seven eight nine ten"
    assert _value(copied_share(_TRAINING, [copied])) == 1
    assert (
        _value(copied_share(_TRAINING, [copied + " and then ten more words stand here of mine alone"])) == 0.5
    )
    assert _value(copied_share(_TRAINING, ["one two three four five and six seven eight"])) == 0
    assert _value(novelty(_TRAINING, [copied])) == 0
    assert _value(novelty(_TRAINING, ["none of these words in a row is known there"])) == 1


class TestExtraction:
    def test_a_text_known_by_heart_is_extracted(self) -> None:
        known = " ".join(f"word{number}" for number in range(60))
        (one, other) = extractions([known, known.replace("word", "Other"), "too short"], 32, 8)
        share = extracted_share([one, other], [one.rest.upper(), "Something else altogether."])
        assert _value(share) == 0.5
        assert one.beginning + one.rest in known or one.beginning.startswith("Other")

    def test_texts_that_are_too_short_are_not_asked_for(self) -> None:
        assert extractions(["a b c"], 32, 8) == []


class TestCanaries:
    def test_what_redaction_left_is_found_with_what_stands_before_it(self) -> None:
        texts = ["The key is abcd1234efgh5678ijkl here.", "Call +49 30 1234567 at night.", "Room 12, 2024."]
        found = find_canaries(texts, 4)
        assert [one.secret for one in found] == ["abcd1234efgh5678ijkl", "+49 30 1234567"]
        assert found[0].beginning == "The key is "

    def test_variants_have_the_form_of_the_secret(self) -> None:
        variants = canary_variants(Canary("PIN ", "A1-b2"), 63)
        assert variants[0] == "PIN A1-b2"
        assert len(set(variants)) == len(variants) == 64
        assert all(one[4].isupper() and one[5].isdigit() and one[6] == "-" for one in variants)

    def test_a_secret_likelier_than_all_others_is_exposed_by_all_bits(self) -> None:
        others = [Likelihood(9.0 + number, 3, 9) for number in range(63)]
        assert _value(canary_exposure([[Likelihood(1.0, 3, 9), *others]])) == 6
        assert _value(canary_exposure([[Likelihood(99.0, 3, 9), *others]])) == 0

    def test_a_broken_model_has_no_exposure(self) -> None:
        found = interval(canary_exposure([[Likelihood(float("nan"), 3, 9)] * 2]), BootstrapPolicy(draws=10))
        assert found is not None
        assert not found.is_finite
