"""Grouping: what a point belongs to, and when enough of the ranking was seen."""

from hypothesis import given
from hypothesis import strategies as st

from twin_local.servers.vector.groups import first_groups, group_ids, widen_prefetches


class TestGroupIds:
    def test_a_value_in_an_object(self) -> None:
        assert group_ids({"document": {"id": 7}}, "document.id") == [7]

    def test_values_in_lists_once_each(self) -> None:
        payload = {"links": [{"kind": "site"}, {"kind": "code"}, {"kind": "site"}]}
        assert group_ids(payload, "links[].kind") == ["site", "code"]

    def test_no_group_for_a_missing_value(self) -> None:
        assert group_ids({"document": None}, "document.id") == []

    def test_no_group_if_one_value_names_none(self) -> None:
        assert group_ids({"tags": [1, True]}, "tags") == []


class TestFirstGroups:
    @given(
        members=st.lists(st.lists(st.integers(0, 5), max_size=2, unique=True), max_size=40),
        limit=st.integers(1, 4),
        group_size=st.integers(1, 3),
    )
    def test_a_complete_beginning_says_it_all(
        self, members: list[list[int]], limit: int, group_size: int
    ) -> None:
        whole, _ = first_groups(members, limit=limit, group_size=group_size)
        for length in range(len(members)):
            groups, complete = first_groups(members[:length], limit=limit, group_size=group_size)
            if complete:
                assert groups == whole

    def test_the_best_points_of_each(self) -> None:
        groups, complete = first_groups([["a"], ["b"], ["a"], ["c"], ["a"]], limit=2, group_size=2)
        assert groups == {"a": [0, 2], "b": [1]}
        assert not complete


class TestWidenPrefetches:
    def test_every_level(self) -> None:
        prefetch = {"query": [1.0], "limit": 5, "prefetch": [{"query": [2.0]}]}
        assert widen_prefetches(prefetch, 3) == {
            "query": [1.0],
            "limit": 15,
            "prefetch": [{"query": [2.0], "limit": 30, "prefetch": None}],
        }

    def test_none(self) -> None:
        assert widen_prefetches(None, 3) is None
