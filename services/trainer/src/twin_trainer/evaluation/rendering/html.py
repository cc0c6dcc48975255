"""A report as one HTML page: no scripts, and nothing from elsewhere."""

from twin_trainer.evaluation.rendering.page import rendered
from twin_trainer.evaluation.report import Report
from twin_trainer.gate import Verdict


def render_html(report: Report, verdict: Verdict) -> str:
    """The page, for people and for the registry."""
    return rendered("report.html", report, verdict)
