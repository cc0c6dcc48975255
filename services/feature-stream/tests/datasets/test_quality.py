from typing import Any

import pytest

from twin_common.documents import Category
from twin_feature_stream.datasets.curation import CurationPolicy, curate
from twin_feature_stream.datasets.quality import FilterPolicy, quality, rejection

from .material import prose, sample

_CODE = "\n".join(f"    value_{number} = compute({number})" for number in range(10))


@pytest.mark.parametrize(
    ("answer", "fields", "reason"),
    [
        (prose(1), {}, None),
        (prose(1, sentences=2), {}, "too_short"),
        (prose(1, sentences=2), {"category": Category.POST}, None),
        ("Hello there.", {"category": Category.POST}, "too_short"),
        (prose(1, sentences=60), {}, "too_long"),
        (prose(1), {"language": "de-DE"}, "language"),
        (prose(1), {"language": "en-GB"}, None),
        ("Text.\n\n```python\n" + "value = 1\n" * 50 + "```", {}, "mostly_code"),
        (_CODE * 3, {}, "mostly_code"),
        ("\n".join(["| a b c d e | f g h |"] * 10), {}, "mostly_table"),
        (" ".join(f"https://example.com/page/{number}" for number in range(50)), {}, "mostly_links"),
        ("1 2 3 4 5 6 7 8 " * 10, {}, "not_prose"),
        (prose(1), {"instruction": prose(2, sentences=30)}, "instruction_too_long"),
        (prose(1), {"quality": 0.1}, "low_quality"),
        (_CODE, {"category": Category.CODE, "language": "Python"}, None),
        ("x = 1\ny = 2", {"category": Category.CODE}, "too_short"),
        ("x = 1\n" * 100, {"category": Category.CODE}, "too_long"),
    ],
)
def test_what_is_not_wanted_has_one_reason(answer: str, fields: dict[str, Any], reason: str | None) -> None:
    policy = FilterPolicy(languages=frozenset({"en"}))
    assert rejection(sample("one", answer, **fields), policy) == reason


def test_quality_falls_with_repetition_links_and_a_missing_end() -> None:
    good = prose("good")
    assert quality(good, Category.ARTICLE) > 0.9
    for worse in (
        good.split(".")[0] * 10,
        "again and again " * 30,
        "\n".join([good] * 3),
        good[:-1] + " and",
    ):
        assert quality(worse, Category.ARTICLE) < quality(good, Category.ARTICLE)
    assert quality("!!!", Category.POST) == 0


def test_every_dropped_sample_is_counted_by_its_reason() -> None:
    wanted = [sample(f"d{number}", days=number) for number in range(20)]
    unwanted = [
        sample("short", "Too short."),
        sample("copy", wanted[3].answer, days=400),
        sample("table", "\n".join(["| a b c d e | f g h |"] * 10)),
    ]
    quoting = sample("quoting", f"{prose('new')} {wanted[0].answer}", days=500)
    curated = curate([*wanted, *unwanted, quoting], [], CurationPolicy())
    assert curated.dropped == {
        "too_short": 1,
        "exact_duplicate": 1,
        "mostly_table": 1,
        "contaminated": 1,
    }
    assert len(curated.train) + len(curated.test) + curated.dropped.total() == 24
    assert len(curated.test) == 1
    assert all(one.quality > 0.5 and one.quality != 0.9 for one in curated.train)


def test_a_held_out_answer_that_an_edit_quotes_is_contaminated() -> None:
    samples = [sample(f"d{number}", days=number) for number in range(20)]
    newest = samples[-1].answer
    curated = curate(samples, [f"As I wrote: {newest}"], CurationPolicy())
    assert newest not in {one.answer for one in curated.test}
    assert curated.dropped == {"contaminated": 1}


def test_an_edited_copy_in_a_newer_document_is_on_no_side_a_second_time() -> None:
    samples = [sample(f"d{number}", prose(number, sentences=20), days=number) for number in range(10)]
    edited = sample("newest", samples[4].answer.replace(".", ". So", 2), days=90, place=0)
    fresh = sample("newest", prose("fresh"), days=90, place=1)
    curated = curate([*samples, edited, fresh], [], CurationPolicy())
    assert [one.answer for one in curated.test] == [fresh.answer]
    assert curated.dropped == {"near_duplicate": 1}
