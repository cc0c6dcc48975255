"""What the service tells the process of a training, and what that process tells the service: JSON lines."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from twin_common.models import JobProgress, LearningCurve, TrainingJob
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.gate import GatePolicy


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class JobSpec(_Message):
    """All that a training needs to know."""

    job: TrainingJob
    registry: Path
    work: Path
    """A folder of this job alone, in which an earlier attempt may have left checkpoints."""
    production: str | None = None
    """Where the model is, in the registry, that answers for the author now."""
    hub_namespace: str | None = None
    evaluation: EvaluationPolicy = EvaluationPolicy()
    pairs: int
    """How many rejected answers the base is to write for a dataset without pairs; 0: no preference stage."""
    pair_tokens: int
    """The longest of them."""
    gate: GatePolicy = GatePolicy()


class Told(_Message):
    """How far it is."""

    kind: Literal["progress"] = "progress"
    progress: JobProgress


class Finished(_Message):
    """The model is in the registry."""

    kind: Literal["finished"] = "finished"
    location: str
    trained_at: datetime
    passed: bool
    """Whether the gate lets it through."""
    why: str
    """What the gate says."""
    figures: dict[str, float]
    curves: tuple[LearningCurve, ...] = ()
    report_json: str
    report_html: str
    report_markdown: str


class Searched(_Message):
    """A grid has been tried, and its best is the default."""

    kind: Literal["searched"] = "searched"
    tried: int
    best: dict[str, str | float | bool]
    """The values of the grid that learnt best."""
    held_out_loss: float


class Failed(_Message):
    """There is no model."""

    kind: Literal["failed"] = "failed"
    reason: str
    """What happened, and the remedy."""
    may_pass: bool
    """Whether the same may succeed later without anybody doing anything."""
    ran_out_of_memory: bool = False
    """Whether the process was killed because the machine, or its share of it, was out of memory."""


End = Finished | Searched | Failed
Line = Annotated[Told | End, Field(discriminator="kind")]
LINE: TypeAdapter[Told | End] = TypeAdapter(Line)
