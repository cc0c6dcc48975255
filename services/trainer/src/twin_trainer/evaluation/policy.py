"""How much is measured: what one evaluation may cost."""

from dataclasses import dataclass, field, replace

from twin_trainer.evaluation.bootstrap import BootstrapPolicy

EXTRACTION_TOKENS = 40
"""Room for the twenty words that must be the same."""
_LEAST = 4
"""Of each kind is measured whatever it takes: figures over fewer say nothing."""


@dataclass(frozen=True)
class EvaluationPolicy:
    """Writing costs the most: of the defaults about 4,000 tokens a model, and 2,000 more of the base."""

    seconds: float = 3600.0
    """Of all models together, about; where the device is too slow for it, fewer texts are measured."""
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

    def fitting(self, seconds_a_token: float, models: int) -> "EvaluationPolicy":
        """As much of everything as so many models that write so fast can do in time; at least a little."""
        share = self.seconds / max(seconds_a_token * self._written_tokens(models), 1e-9)
        if share >= 1:
            return self
        return replace(
            self,
            passages=_share_of(self.passages, share),
            contrast_passages=_share_of(self.contrast_passages, share),
            questions=_share_of(self.questions, share),
            extractions=_share_of(self.extractions, share),
        )

    def _written_tokens(self, models: int) -> int:
        of_each = (
            self.passages * self.tokens_per_passage
            + self.questions * self.tokens_per_question
            + self.extractions * EXTRACTION_TOKENS
        )
        return models * of_each + self.contrast_passages * self.tokens_per_passage


def _share_of(count: int, share: float) -> int:
    return min(count, max(_LEAST, int(count * share)))
