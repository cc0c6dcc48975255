"""Ends an answer before a stop sequence, however the text is cut into pieces."""

from collections.abc import Sequence


class StopSequences:
    """For engines whose text contains the sequence at which they stopped."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [sequence for sequence in stop if sequence]
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """The part that is certain, and whether a sequence ended the answer."""
        self._held += text
        found = [at for sequence in self._stop if (at := self._held.find(sequence)) >= 0]
        if found:
            certain, self._held = self._held[: min(found)], ""
            return certain, True
        keep = max((_overlap(self._held, sequence) for sequence in self._stop), default=0)
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return certain, False

    def finish(self) -> str:
        """The rest, once the answer has ended without a sequence."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, sequence: str) -> int:
    """How much of the sequence's beginning stands at the text's end."""
    longest = min(len(text), len(sequence) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(sequence[:size])), 0)
