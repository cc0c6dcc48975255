from twin_common.documents import Category
from twin_feature_stream.datasets.copies import near, ngrams, uncontaminated, without_copies

from .material import prose, sample


def test_of_equal_and_nearly_equal_answers_the_earliest_published_stays() -> None:
    text = prose("text", sentences=20)
    later = sample("later", text.upper(), days=2)
    first = sample("first", text, days=1)
    edited = sample("edited", text.replace(".", ". So", 1), days=3)
    other = sample("other", days=4)
    kept, dropped = without_copies([later, edited, other, first])
    assert [one.origin.document_id for one in kept] == ["first", "other"]
    assert dropped == {"exact_duplicate": 1, "near_duplicate": 1}


def test_short_answers_are_copies_only_when_equal() -> None:
    kept, dropped = without_copies(
        [sample(name, text) for name, text in (("a", "Good news."), ("b", "Good news!"), ("c", "Bad news."))]
    )
    assert len(kept) == 2
    assert dropped["exact_duplicate"] == 1


def test_code_is_compared_with_code() -> None:
    text = prose("text", sentences=20)
    kept, _ = without_copies([sample("a", text), sample("b", f"{text} end", category=Category.CODE)])
    assert len(kept) == 2


def test_near_is_what_the_copies_are_found_by() -> None:
    text = prose("text", sentences=20)
    assert near(text, f"{text} And more.")
    assert not near(text, prose("other"))
    assert near("Short one.", "short ONE")


def test_a_held_out_answer_that_shares_thirteen_words_with_training_text_is_contaminated() -> None:
    words = [f"word{number}" for number in range(40)]
    held = sample("held", " ".join(words))
    twelve, thirteen = " ".join(words[5:17]), " ".join(words[5:18])
    assert uncontaminated([held], [f"before {twelve} after"]) == [held]
    assert uncontaminated([held], [f"Before, {thirteen.upper()}; after."]) == []
    assert len(ngrams(" ".join(words))) == 28
    assert ngrams(twelve) == set()
