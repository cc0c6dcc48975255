"""A report as one HTML page that needs nothing else. Nothing here does I/O."""

from html import escape

from twin_trainer.evaluation.report import Report
from twin_trainer.gate import Verdict


def render_html(report: Report, verdict: Verdict) -> str:
    """The report with what the gate made of it."""
    rules = "".join(f"<li>{escape(rule.reason)}</li>" for rule in verdict.rules)
    title = escape(f"Evaluation of {report.author_id}")
    return f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><ul>{rules}</ul></html>\n'
