"""The smallest automaton that knows every run of words of a text: Blumer et al., The Smallest Automaton
Recognizing the Subwords of a Text (1985). It takes time and memory in proportion to the text.
"""

from collections.abc import Iterable, Sequence


class SuffixAutomaton:
    """Of the text that is searched in; what is looked for there is streamed past it, however much it is."""

    def __init__(self, words: Sequence[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._link = [-1]
        self._length = [0]
        last = 0
        for word in words:
            last = self._append(last, word)

    def longest_match(self, words: Iterable[str]) -> int:
        """The length of the longest run of the given words that stands in the text."""
        state = length = longest = 0
        for word in words:
            while state and word not in self._next[state]:
                state = self._link[state]
                length = self._length[state]
            if word in self._next[state]:
                state = self._next[state][word]
                length += 1
                longest = max(longest, length)
        return longest

    def _append(self, last: int, word: str) -> int:
        new = self._state({}, -1, self._length[last] + 1)
        state = last
        while state >= 0 and word not in self._next[state]:
            self._next[state][word] = new
            state = self._link[state]
        if state < 0:
            self._link[new] = 0
            return new
        target = self._next[state][word]
        if self._length[target] == self._length[state] + 1:
            self._link[new] = target
            return new
        clone = self._state(dict(self._next[target]), self._link[target], self._length[state] + 1)
        while state >= 0 and self._next[state].get(word) == target:
            self._next[state][word] = clone
            state = self._link[state]
        self._link[target] = self._link[new] = clone
        return new

    def _state(self, transitions: dict[str, int], link: int, length: int) -> int:
        self._next.append(transitions)
        self._link.append(link)
        self._length.append(length)
        return len(self._length) - 1
