"""Whether a trained model may be offered for approval: rules over its report. Nothing here does I/O."""

from pydantic import BaseModel, ConfigDict

from twin_trainer.evaluation.report import FigureName, Report


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", use_attribute_docstrings=True
    )


class GatePolicy(_Frozen):
    """The limits."""

    least_documents: int = 5
    """Held-out documents. If all of n documents agree by chance alone, that has a probability of 0.5**n:
    with fewer than five it is above one in twenty, and nothing can be shown with confidence."""


class RuleOutcome(_Frozen):
    """One rule, what it looked at and what came of it."""

    rule: str
    passed: bool
    figure: FigureName | None = None
    value: float | None = None
    limit: float | None = None
    reason: str
    """A sentence that names the figure and the limit."""


class Verdict(_Frozen):
    """Every rule is told, not only the first that failed."""

    passed: bool
    rules: tuple[RuleOutcome, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass; empty where it did."""
        return tuple(rule.reason for rule in self.rules if not rule.passed)


def decide(report: Report, policy: GatePolicy) -> Verdict:
    """Apply every rule to the candidate of a report."""
    enough = RuleOutcome(
        rule="enough_documents",
        passed=report.documents >= policy.least_documents,
        value=report.documents,
        limit=policy.least_documents,
        reason=f"{report.documents} held-out documents were measured, {policy.least_documents} are needed",
    )
    rules = (enough,)
    return Verdict(passed=all(rule.passed for rule in rules), rules=rules)
