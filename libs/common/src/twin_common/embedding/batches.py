"""Which texts are encoded together."""

from collections.abc import Sequence


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Group positions into batches of similar length, longest first, so that little is padding.

    The longest batch comes first: when memory does not suffice, that shows at once.
    """
    order = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
