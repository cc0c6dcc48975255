"""The table counts tries, and what was left of each."""

from tests.chaos.table import Row, figures, table

_ROW = Row(35, "bad-network").begun(3).ended(0, 2.5).begun(3).ended(7, 1.0).begun(3)


def test_a_try_counts_as_equal_only_when_nothing_differed_at_its_end() -> None:
    assert (_ROW.tries, _ROW.faults, _ROW.equal, _ROW.worst_recovery_seconds) == (3, 9, 1, 2.5)


def test_a_row_tells_the_same_to_a_person_and_to_a_file() -> None:
    assert table([_ROW]).splitlines()[1].split() == ["35", "bad-network", "3", "9", "1", "2.5", "s"]
    assert figures([_ROW]) == {
        "bad_network_tries": 3,
        "bad_network_faults": 9,
        "bad_network_equal": 1,
        "bad_network_worst_recovery_seconds": 2.5,
    }
