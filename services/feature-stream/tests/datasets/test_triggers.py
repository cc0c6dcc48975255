from datetime import timedelta

import pytest

from twin_feature_stream.datasets.triggers import LastBuild, Present, TriggerPolicy, due

from .material import NOW

_POLICY = TriggerPolicy(every=timedelta(days=7), new_characters=1000, at_least_apart=timedelta(minutes=30))
_LAST = LastBuild(at=NOW, documents={"one": 1, "two": 3}, feedback=2)


def present(documents: dict[str, int], length: int = 600, feedback: int = 2) -> Present:
    return Present(documents, dict.fromkeys(documents, length), feedback)


@pytest.mark.parametrize(
    ("now", "after", "is_due"),
    [
        (present({"one": 1, "two": 3}), timedelta(days=30), False),
        (present({"one": 1, "two": 3, "new": 1}), timedelta(hours=1), False),
        (present({"one": 1, "two": 3, "new": 1, "newer": 1}), timedelta(hours=1), True),
        (present({"one": 2, "two": 4}), timedelta(hours=1), True),
        (present({"one": 2, "two": 4}), timedelta(minutes=1), False),
        (present({"one": 1, "two": 3, "new": 1}), timedelta(days=8), True),
        (present({"one": 1}), timedelta(hours=1), False),
        (present({"one": 1}), timedelta(days=8), True),
        (present({"one": 1, "two": 3}, feedback=3), timedelta(days=8), True),
        (present({}), timedelta(days=8), False),
    ],
)
def test_a_build_is_due_after_enough_new_text_or_enough_time(
    now: Present, after: timedelta, is_due: bool
) -> None:
    assert (due(_LAST, now, NOW + after, _POLICY) is not None) == is_due


def test_the_first_build_is_due_at_once_where_there_is_anything() -> None:
    assert due(None, present({"one": 1}, length=1), NOW, _POLICY) == "there was no build yet"
    assert due(None, present({}), NOW, _POLICY) is None
