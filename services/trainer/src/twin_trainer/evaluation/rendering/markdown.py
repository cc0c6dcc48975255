"""A report as Markdown, for terminals and model cards."""

from twin_trainer.evaluation.rendering.page import rendered
from twin_trainer.evaluation.report import Report
from twin_trainer.gate import Verdict


def render_markdown(report: Report, verdict: Verdict) -> str:
    """The text; no drawings."""
    return rendered("report.md", report, verdict)
