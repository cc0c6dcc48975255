"""Which copy is searchable, however the events come."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_common.documents import Category
from twin_feature_stream.duplicates import Copy, assign, unsettled

AUTHORS = ("ada", "bob")


def copy(number: int, place: int, published: int, author: str = "ada", version: int = 1) -> Copy:
    """Texts lie on a line: neighbours on it are near copies, texts farther apart are not."""
    return Copy(
        document_id=f"d{number}",
        author_id=author,
        category=Category.ARTICLE,
        version=version,
        url=f"https://e.example/{number}",
        rank=(float(published), 0, f"d{number}"),
        bands=frozenset({"common"}),
        signature=((place * 20 + np.arange(128)) // 128).astype(np.uint32),
        searchable=True,
    )


class Model:
    """An index, and workers that read it, then write one document, then look at it again."""

    def __init__(self) -> None:
        self.stored: dict[str, Copy] = {}
        self.index: dict[str, Copy] = {}
        self.waiting: list[str] = []
        self.handled = 0

    def known(self, key: str, own: Copy | None) -> dict[str, Copy]:
        return {
            other.document_id: other
            for other in self.index.values()
            if (own and own.is_near(other)) or other.duplicate_of == key or key in other.copies
        }

    def read(self, key: str) -> Copy | None:
        own = self.stored.get(key)
        return own and assign([own], self.known(key, own))[key]

    def write(self, key: str, decided: Copy | None) -> None:
        if decided is None:
            self.index.pop(key, None)
        else:
            self.index[key] = decided
        nudged = unsettled({key}, self.known(key, decided))
        self.waiting += [entry.document_id for entry in nudged]
        self.handled += 1

    def expected(self) -> dict[str, str | None]:
        leaders: list[Copy] = []
        result: dict[str, str | None] = {}
        for entry in sorted(self.stored.values(), key=lambda entry: entry.rank):
            near = [leader for leader in leaders if leader.is_near(entry)]
            result[entry.document_id] = near[0].document_id if near else None
            if not near:
                leaders.append(entry)
        return result


STEPS = st.lists(
    st.tuples(
        st.integers(0, 7),  # which document
        st.one_of(st.none(), st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(AUTHORS))),
    ),
    min_size=1,
    max_size=25,
)


class TestConvergence:
    @settings(max_examples=400)
    @given(STEPS, st.data())
    def test_neither_the_order_of_events_nor_a_second_worker_matters(
        self, steps: list[tuple[int, tuple[int, int, str] | None]], data: st.DataObject
    ) -> None:
        model = Model()
        for number, state in steps:
            key = f"d{number}"
            if state is None:
                model.stored.pop(key, None)
            else:
                place, published, author = state
                model.stored[key] = copy(number, place, published, author)
            model.waiting.append(key)
            if data.draw(st.booleans()):
                self._work(model, data)
        while model.waiting:
            self._work(model, data)
            assert model.handled < 1000, "the events never end"
        assert {key: entry.duplicate_of for key, entry in model.index.items()} == model.expected()
        for entry in model.index.values():
            followers = {
                other.document_id for other in model.index.values() if other.duplicate_of == entry.document_id
            }
            assert set(entry.copies) == followers
            assert entry.searchable == (entry.duplicate_of is None)

    def _work(self, model: Model, data: st.DataObject) -> None:
        """Two workers take an event each, never of the same document, and read before either writes."""
        count = data.draw(st.integers(1, 2))
        taken: dict[str, Copy | None] = {}
        for _ in range(count):
            if model.waiting:
                key = model.waiting.pop(data.draw(st.integers(0, len(model.waiting) - 1)))
                taken[key] = None
        decided = {key: model.read(key) for key in taken}
        for key in data.draw(st.permutations(sorted(decided))):
            model.write(key, decided[key])


class TestAssign:
    def test_the_earliest_leads_within_one_batch(self) -> None:
        late, early = copy(1, 0, published=5), copy(2, 0, published=3)
        decided = assign([late, early], {})
        assert decided["d1"].duplicate_of == "d2"
        assert decided["d2"].copies == ("d1",)

    def test_another_author_is_no_copy(self) -> None:
        decided = assign([copy(1, 0, 5, "ada"), copy(2, 0, 3, "bob")], {})
        assert {entry.duplicate_of for entry in decided.values()} == {None}

    def test_code_is_no_copy_of_prose(self) -> None:
        code = replace(copy(1, 0, 5), category=Category.CODE)
        assert assign([code], {"d2": copy(2, 0, 3)})["d1"].duplicate_of is None
        post = replace(copy(1, 0, 5), category=Category.POST)
        assert assign([post], {"d2": copy(2, 0, 3)})["d1"].duplicate_of == "d2"
