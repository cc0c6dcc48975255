"""Writers for tests: each has habits of its own, whatever they write about."""

from itertools import product
from random import Random

from twin_trainer.evaluation.material import Sample

_SUBJECTS = [
    "".join(parts) for parts in product("bdfghklmnprstv", "aeiou", ("der", "gate", "lin", "mont", "stick"))
]
_HABITS = {
    "terse": [
        "So we took the {}.",
        "The {} broke, and I didn't know.",
        "Then I fixed the {}; it held.",
        "But why a {}?",
        "We don't use a {} for a {}!",
    ],
    "stately": [
        "It is, however, the {} which ought to be considered first, and the {} thereafter.",
        "Whenever the {} is employed, there may nevertheless be those who would rather have had a {}.",
        "One should, therefore, regard the {} as that upon which the whole of the {} depends.",
    ],
}


def text_by(writer: str, seed: int, sentences: int = 24) -> str:
    """Prose in one of two ways of writing; of one seed always the same."""
    random = Random(f"{writer}{seed}")
    chosen = [random.choice(_HABITS[writer]) for _ in range(sentences)]
    return " ".join(one.format(random.choice(_SUBJECTS), random.choice(_SUBJECTS)) for one in chosen)


def samples(writer: str, documents: int, first: int = 0, passages: int = 2) -> list[Sample]:
    """So many documents with two passages each."""
    return [
        Sample(f"d{number}", f"Write part {part} of {number}.", text_by(writer, number * 10 + part))
        for number in range(first, first + documents)
        for part in range(passages)
    ]
