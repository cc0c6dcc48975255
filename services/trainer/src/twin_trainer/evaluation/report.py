"""What an evaluation found: figures of every model and between models, with intervals. No I/O."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from math import isfinite

from pydantic import BaseModel, ConfigDict

FORMAT = 1


class Role(StrEnum):
    """What a model is in a comparison."""

    BASE = "base"
    SFT = "sft"
    DPO = "dpo"
    PRODUCTION = "production"


class FigureName(StrEnum):
    """Everything that is measured; `figures.FIGURES` says what each means."""

    PERPLEXITY = "perplexity"
    CONTROL_PERPLEXITY = "control_perplexity"
    BITS_PER_CHARACTER = "bits_per_character"
    AUTHOR_SPECIFIC_GAIN = "author_specific_gain"
    DELTA = "delta"
    AUTHORSHIP = "authorship"
    VERIFIER_AUC = "verifier_auc"
    FUNCTION_WORD_DISTANCE = "function_word_distance"
    PUNCTUATION_DISTANCE = "punctuation_distance"
    EVIDENCE_RECALL = "evidence_recall"
    JUDGED_ACCURACY = "judged_accuracy"
    JUDGED_STYLE = "judged_style"
    LONGEST_COPIED_WORDS = "longest_copied_words"
    COPIED_SHARE = "copied_share"
    NOVELTY = "novelty"
    EXTRACTED_SHARE = "extracted_share"
    CANARY_EXPOSURE = "canary_exposure"
    GENERAL_ACCURACY = "general_accuracy"
    REPETITION = "repetition"
    REFUSALS = "refusals"
    OFFENSIVE_WORDS = "offensive_words"
    LENGTH_RATIO = "length_ratio"
    EMPTY_SHARE = "empty_share"


class _Frozen(BaseModel):
    # A broken model's figures may be no numbers; the report must still be told and read back.
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", use_attribute_docstrings=True
    )


class Interval(_Frozen):
    """An estimate and the bounds that hold it with the report's confidence."""

    estimate: float
    low: float
    high: float

    @property
    def is_finite(self) -> bool:
        """Whether all three are numbers."""
        return all(map(isfinite, (self.estimate, self.low, self.high)))


class Example(_Frozen):
    """What a model wrote, beside what the author did."""

    prompt: str
    author: str
    model: str


class ModelFigures(_Frozen):
    """Everything measured of one model."""

    role: Role
    name: str
    figures: Mapping[FigureName, Interval]
    """What was not measured is missing."""
    examples: tuple[Example, ...] = ()


class Comparison(_Frozen):
    """The candidate minus another model, paired over the same documents or questions."""

    other: Role
    differences: Mapping[FigureName, Interval]


class Report(_Frozen):
    """One evaluation of one candidate."""

    format: int = FORMAT
    author_id: str
    dataset_id: str
    created_at: datetime
    candidate: Role
    """The model that is to be released."""
    incumbent: Role
    """The model it must be better than: the one in production, else the base."""
    language: str
    documents: int
    """How many held-out documents the intervals of style are taken over."""
    passages: int
    """How many passages of them were asked for."""
    confidence: float
    models: tuple[ModelFigures, ...]
    author: Mapping[FigureName, Interval]
    """The author's own held-out text under the same measures: what is near it is as near as it gets."""
    comparisons: tuple[Comparison, ...]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    code_version: str

    def figures_of(self, role: Role) -> Mapping[FigureName, Interval]:
        """The figures of the model in a role; none when it was not measured."""
        return next((model.figures for model in self.models if model.role is role), {})

    def against(self, role: Role) -> Mapping[FigureName, Interval]:
        """The candidate minus the model in a role; none when they were not compared."""
        return next(
            (comparison.differences for comparison in self.comparisons if comparison.other is role), {}
        )
