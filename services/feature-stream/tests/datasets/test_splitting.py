from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category
from twin_feature_stream.datasets.samples import Sample
from twin_feature_stream.datasets.splitting import SplitPolicy, balanced, hold_out

from .material import sample

_POLICY = SplitPolicy()
_DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(Category), st.integers(0, 5000), st.integers(1, 4)), max_size=40
)


def _samples(documents: list[tuple[Category, int, int]]) -> list[Sample]:
    return [
        sample(f"d{number}", f"answer {number} {place}", days=days, place=place, category=category)
        for number, (category, days, count) in enumerate(documents)
        for place in range(count)
    ]


@given(_DOCUMENTS)
def test_no_document_is_on_both_sides_and_none_is_lost(documents: list[tuple[Category, int, int]]) -> None:
    samples = _samples(documents)
    train, test = hold_out(samples, _POLICY)
    assert Counter(one.sample_id for one in train + test) == Counter(one.sample_id for one in samples)
    in_train = {one.origin.document_id for one in train}
    assert in_train.isdisjoint(one.origin.document_id for one in test)


@given(_DOCUMENTS)
def test_what_is_held_out_of_a_category_is_never_older_than_what_is_learnt(
    documents: list[tuple[Category, int, int]],
) -> None:
    train, test = hold_out(_samples(documents), _POLICY)
    for category in Category:
        learnt = [one.origin.order for one in train if one.origin.category is category]
        held = [one.origin.order for one in test if one.origin.category is category]
        assert not learnt or not held or max(learnt) < min(held)


def test_a_tenth_of_the_documents_is_held_out_and_of_few_documents_none() -> None:
    def held(count: int) -> int:
        _, test = hold_out(_samples([(Category.POST, day, 3) for day in range(count)]), _POLICY)
        return len({one.origin.document_id for one in test})

    assert [held(4), held(5), held(10), held(40)] == [0, 1, 1, 4]


def test_the_worst_of_a_category_that_outweighs_the_others_goes() -> None:
    code = [
        sample(f"c{number}", category=Category.CODE, quality=number / 1000, days=number)
        for number in range(900)
    ]
    articles = [sample(f"a{number}") for number in range(60)]
    kept = balanced([*code, *articles], _POLICY)
    assert [one for one in kept if one.origin.category is Category.ARTICLE] == articles
    remaining = [one for one in kept if one.origin.category is Category.CODE]
    assert len(remaining) == 140
    assert remaining == code[-140:]


def test_one_category_alone_and_small_ones_are_not_cut() -> None:
    alone = [sample(f"c{number}", category=Category.CODE) for number in range(300)]
    assert balanced(alone, _POLICY) == alone
    small = [*alone[:50], sample("article")]
    assert balanced(small, _POLICY) == small
