"""How much is measured: what one evaluation may cost."""

from dataclasses import dataclass, field

from twin_trainer.evaluation.bootstrap import BootstrapPolicy


@dataclass(frozen=True)
class EvaluationPolicy:
    """Writing costs the most: of the defaults about 4,000 tokens a model, and 2,000 more of the base."""

    passages: int = 24
    """Held-out passages that are asked for and whose likelihood is measured, spread over the documents."""
    tokens_per_passage: int = 128
    """Written for each."""
    contrast_passages: int = 16
    """Training instructions that the base answers, to learn what the author does not sound like."""
    questions: int = 12
    """About the author's texts; those about the control text come on top."""
    tokens_per_question: int = 48
    extractions: int = 8
    """Training passages whose beginning the model is given, to see whether it goes on by heart."""
    words_of_beginning: int = 32
    """About the 50 tokens that Carlini et al., Quantifying Memorization (2023), prompt with."""
    canaries: int = 4
    canary_alternatives: int = 63
    """Random secrets of the same form that a canary's likelihood is ranked among."""
    judged: int = 12
    """Texts of each model that a judge grades, where there is one."""
    examples: int = 4
    """Texts shown in the report."""
    bootstrap: BootstrapPolicy = field(default_factory=BootstrapPolicy)
