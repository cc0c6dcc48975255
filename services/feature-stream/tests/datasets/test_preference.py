from datetime import timedelta
from typing import Any

from twin_common.events import FeedbackGiven
from twin_feature_stream.datasets.preference import (
    feedback_pairs,
    hold_out_newest,
    model_pairs,
    question,
)

from .material import ADA, NOW, prose, sample


def feedback(number: int, **fields: Any) -> FeedbackGiven:
    values: dict[str, Any] = {
        "feedback_id": str(number),
        "author_id": ADA,
        "completion_id": f"c{number}",
        "model": "twin",
        "prompt": f"Question {number}?",
        "answer": f"The model's answer {number}.",
        "edit": prose(f"edit {number}"),
        "given_at": NOW + timedelta(minutes=number),
    }
    return FeedbackGiven(**(values | fields))


def test_an_edit_is_chosen_and_what_it_edited_is_rejected() -> None:
    (pair,), dropped = feedback_pairs([feedback(1, edit="Mine.")])
    assert (pair.instruction, pair.chosen, pair.rejected) == (
        "Question 1?",
        "Mine.",
        "The model's answer 1.",
    )
    assert (pair.source, pair.model) == ("feedback", "twin")
    assert not dropped


def test_feedback_that_gives_no_pair_is_counted() -> None:
    pairs, dropped = feedback_pairs(
        [
            feedback(1, edit=None),
            feedback(2, edit="The model's answer 2. "),
            feedback(3, prompt=" "),
            feedback(4),
            feedback(4, feedback_id="again"),
        ]
    )
    assert len(pairs) == 1
    assert dropped == {
        "feedback_without_edit": 1,
        "edit_changes_nothing": 1,
        "feedback_incomplete": 1,
        "repeated_edit": 1,
    }


def test_what_people_type_into_a_chat_is_redacted() -> None:
    (pair,), _ = feedback_pairs([feedback(1, prompt="I am a@b.example", edit="Write to c@d.example")])
    assert (pair.instruction, pair.chosen) == ("I am <EMAIL>", "Write to <EMAIL>")


def test_the_newest_tenth_of_feedback_is_held_out_unless_it_repeats() -> None:
    pairs, _ = feedback_pairs(
        [feedback(number) for number in range(19)] + [feedback(19, edit=prose("edit 3"))]
    )
    train, test, left_out = hold_out_newest(pairs)
    assert train == pairs[:18]
    assert test == [pairs[18]]
    assert left_out == 1
    assert hold_out_newest(pairs[:9]) == (pairs[:9], [], 0)


def test_the_owners_text_is_chosen_and_the_models_is_rejected() -> None:
    samples = [sample("one"), sample("two"), sample("three")]
    answers = ["As a model, call me at +49 30 901820.", None, samples[2].answer + " Indeed."]
    (pair,), dropped = model_pairs(samples, answers, "base")
    assert pair.chosen == samples[0].answer
    assert pair.rejected == "As a model, call me at <PHONE>."
    assert (pair.source, pair.model, pair.origin) == ("model", "base", samples[0].origin)
    assert dropped == {"no_rejected_answer": 1, "rejected_is_near_chosen": 1}


def test_a_model_may_write_as_much_as_the_owner_did() -> None:
    long = sample("long", prose("long", sentences=50))
    assert question(long).max_tokens > len(long.answer.split())
    assert question(sample("short", "Hi.")).max_tokens == 128
