"""What becomes of an approved model: tried on a share, trusted with everything, or taken back. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from twin_common.models import ModelOutcomes, ModelRecord, ModelStage, Release

_FEW_ANSWERS = 5
_FEW_THUMBS = 3


@dataclass(frozen=True)
class ReleasePolicy:
    """When a model goes on and when it goes back."""

    canary_share: float
    canary_seconds: float
    canary_answers: int
    max_failure_share: float
    max_thumbs_down_share: float
    load_seconds: float


class Move(StrEnum):
    """What is to be done about a model now."""

    LOAD = "load"
    """Whoever serves models is to load it."""
    TRY = "try"
    """It answers a share of the questions from now on."""
    PROMOTE = "promote"
    """It answers all of them from now on."""
    ROLL_BACK = "roll_back"


@dataclass(frozen=True)
class Decision:
    """A move, and why."""

    move: Move
    why: str


def decide_release(
    record: ModelRecord, release: Release, outcomes: ModelOutcomes, policy: ReleasePolicy, now: datetime
) -> Decision | None:
    """The next move for one approved or deployed model; None: leave it as it is.

    Args:
        release: of the model's author.
        outcomes: of the model's answers lately.
    """
    if record.stage is ModelStage.APPROVED:
        return _decide_approved(record, release, policy, now)
    if record.stage is not ModelStage.DEPLOYED or record.model_id not in release.models:
        return None
    if alarm := _alarm(outcomes, policy):
        return Decision(Move.ROLL_BACK, alarm)
    if record.model_id == release.canary and release.canary_since is not None:
        tried = (now - release.canary_since).total_seconds()
        if tried >= policy.canary_seconds and outcomes.answers >= policy.canary_answers:
            return Decision(
                Move.PROMOTE,
                f"{outcomes.answers} answers in {tried:.0f} s on trial, {outcomes.failures} of them failed",
            )
    return None


def _decide_approved(
    record: ModelRecord, release: Release, policy: ReleasePolicy, now: datetime
) -> Decision | None:
    if record.model_id not in release.models:
        # One trial at a time: the next begins when this one has ended.
        return Decision(Move.LOAD, "approved") if release.canary is None else None
    if record.served is None:
        waited = (now - record.history[-1].at).total_seconds()
        if waited > policy.load_seconds:
            return Decision(
                Move.ROLL_BACK, f"nobody served it within {policy.load_seconds:.0f} s of its approval"
            )
        return None
    if release.production is None:
        return Decision(Move.PROMOTE, "no other model answers for the author yet")
    return Decision(Move.TRY, f"it answers {policy.canary_share:.0%} of the questions on trial")


def _alarm(outcomes: ModelOutcomes, policy: ReleasePolicy) -> str | None:
    """A sentence when too much goes wrong; a handful of answers says nothing yet."""
    if outcomes.answers >= _FEW_ANSWERS:
        share = outcomes.failures / outcomes.answers
        if share > policy.max_failure_share:
            return (
                f"{outcomes.failures} of {outcomes.answers} answers failed, "
                f"more than {policy.max_failure_share:.0%}"
            )
    thumbs = outcomes.thumbs_up + outcomes.thumbs_down
    if thumbs >= _FEW_THUMBS and outcomes.thumbs_down / thumbs > policy.max_thumbs_down_share:
        return (
            f"{outcomes.thumbs_down} of {thumbs} thumbs point down, "
            f"more than {policy.max_thumbs_down_share:.0%}"
        )
    return None
