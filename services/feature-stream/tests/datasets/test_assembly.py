from collections import Counter

import pytest

from twin_common.documents import Authorship
from twin_feature_stream.datasets.answers import Answers
from twin_feature_stream.datasets.assembly import BuildPolicy, NotEnoughText, draft, finish
from twin_feature_stream.datasets.model_instructions import may_be_asked, with_answers

from .material import ADA, NOW, article, document_id, head, post, sample
from .test_preference import feedback

_POLICY = BuildPolicy()


def test_ten_posts_make_a_small_dataset_that_says_so() -> None:
    made = draft(ADA, [post(f"p{number}", days=number) for number in range(10)], [], _POLICY)
    version, _ = finish(made, None, None, NOW, _POLICY)
    assert version.statistics.rows["instruct/train"] == 9
    assert version.statistics.rows["instruct/test"] == 1
    assert version.statistics.warnings[0].startswith("It is small: 9 training samples")


def test_too_little_is_refused_with_what_is_there_and_what_is_needed() -> None:
    posts = [post(f"p{number}") for number in range(4)]
    posts += [head("short", "Too short."), post("not-mine", authorship=Authorship.OTHER)]
    with pytest.raises(NotEnoughText) as refusal:
        draft(ADA, posts, [], _POLICY)
    sentence = str(refusal.value)
    assert "6 documents give 4 training samples, and at least 8 are needed" in sentence
    assert "1 authorship_other" in sentence
    assert "1 too_short" in sentence


def test_the_statistics_account_for_every_document_and_sample() -> None:
    heads = [article(f"a{number}", days=number) for number in range(20)]
    heads += [article("theirs", authorship=Authorship.OTHER), head("short", "Too short.")]
    version, dataset = finish(draft(ADA, heads, [], _POLICY), None, None, NOW, _POLICY)
    statistics = version.statistics
    assert statistics.documents_read == 22
    assert statistics.documents_dropped == {"authorship_other": 1}
    assert statistics.samples_dropped == {"too_short": 1}
    assert statistics.rows["instruct/train"] + statistics.rows["instruct/test"] == 60
    assert sum(statistics.kinds.values()) == statistics.rows["instruct/train"]
    assert document_id("theirs") not in dataset.documents()


def test_without_a_model_the_pairs_are_the_owners_edits_and_it_is_said() -> None:
    heads = [article(f"a{number}", days=number) for number in range(10)]
    made = draft(ADA, heads, [feedback(number) for number in range(20)], _POLICY)
    version, dataset = finish(made, None, None, NOW, _POLICY)
    assert version.statistics.rows["preference/train"] == 18
    assert version.statistics.rows["preference/test"] == 2
    assert {row["source"] for row in dataset.rows["preference", "train"]} == {"feedback"}
    assert any("No model is configured" in warning for warning in version.statistics.warnings)


def test_with_a_model_every_sample_it_answered_is_a_pair_of_its_own_split() -> None:
    heads = [article(f"a{number}", days=number) for number in range(10)]
    made = draft(ADA, heads, [], _POLICY)
    train, test = made.curated.train, made.curated.test
    texts: list[str | None] = [f"Something else, number {n}." for n in range(len(train) + len(test))]
    texts[0] = None
    answers = Answers(texts, asked=len(texts), failures=Counter(timeout=1))
    version, dataset = finish(made, answers, "base", NOW, _POLICY)
    assert version.statistics.rows["preference/train"] == len(train) - 1
    assert version.statistics.rows["preference/test"] == len(test)
    assert version.statistics.pairs_dropped == {"no_rejected_answer": 1}
    assert version.statistics.model_failures == {"timeout": 1}
    assert version.lineage.rejected_by == ("base",)
    held = {one.origin.document_id for one in test}
    assert {row["document_id"] for row in dataset.rows["preference", "test"]} == held


def test_instructions_of_a_model_replace_those_of_rules_where_they_are_usable() -> None:
    samples = [sample(name) for name in ("one", "two", "three", "four")]
    texts = ["What do you think of one?", None, samples[2].answer, "No"]
    answers = Answers(texts)
    rewritten = with_answers(samples, answers, "big")
    assert rewritten[0].instruction == "What do you think of one?"
    assert rewritten[0].written_by == "big/instruct.v1"
    assert rewritten[1:] == samples[1:]
    assert answers.failures == {"unusable": 2}
    assert [one.answer for one in rewritten] == [one.answer for one in samples]


def test_only_kinds_that_need_no_text_of_their_own_are_asked_of_a_model() -> None:
    heads = [article(f"a{number}", days=number, sections=6) for number in range(10)]
    made = draft(ADA, heads, [], _POLICY)
    asked = [one for one in made.curated.train if may_be_asked(one)]
    assert asked
    assert {one.kind.value for one in asked} == {"write", "explain"}
