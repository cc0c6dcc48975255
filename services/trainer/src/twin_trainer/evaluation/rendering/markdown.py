"""A report as Markdown, for terminals, model cards and reviews. Nothing here does I/O."""

from twin_trainer.evaluation.report import Report
from twin_trainer.gate import Verdict


def render_markdown(report: Report, verdict: Verdict) -> str:
    """The report with what the gate made of it."""
    rules = "".join(f"- {'passed' if rule.passed else 'FAILED'}: {rule.reason}\n" for rule in verdict.rules)
    return f"# Evaluation of {report.author_id} on {report.dataset_id}\n\n{rules}"
