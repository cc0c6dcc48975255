"""Whether a training taught a model its author, or only text in general."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin_trainer.evaluation.bootstrap import BootstrapPolicy, interval
from twin_trainer.evaluation.control import control_paragraphs
from twin_trainer.evaluation.models import LanguageModel
from twin_trainer.evaluation.report import Interval
from twin_trainer.evaluation.style.perplexity import author_specific_gain, bits_per_character


@dataclass(frozen=True)
class Learning:
    """What became likelier by a training, in bits per character."""

    author: Interval
    """The author's held-out text."""
    control: Interval
    """Text that has nothing to do with the author."""
    author_specific: Interval
    """The first less the second; above zero where the author was learnt."""


def measure_learning(
    base: LanguageModel, trained: LanguageModel, held_out: Sequence[str], policy: BootstrapPolicy
) -> Learning:
    """Compare a model with what it was made from.

    Args:
        held_out: texts of the author that were not trained on, one a document.

    Raises:
        ValueError: there is no text to compare over.
    """
    before, after = (
        (model.negative_log_likelihoods(held_out), model.negative_log_likelihoods(control_paragraphs()))
        for model in (base, trained)
    )
    gains = [
        bits_per_character(old).minus(bits_per_character(new)) for old, new in zip(before, after, strict=True)
    ]
    author, control, difference = (
        interval(measure, policy) for measure in (*gains, author_specific_gain(before, after))
    )
    if author is None or control is None or difference is None:
        raise ValueError("learning is measured on held-out texts, and there is none")
    return Learning(author, control, difference)
