import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from twin_trainer.evaluation.bootstrap import BootstrapPolicy
from twin_trainer.evaluation.figures import FIGURES
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.evaluation.rendering.charts import Row, interval_chart
from twin_trainer.evaluation.rendering.html import render_html
from twin_trainer.evaluation.rendering.markdown import render_markdown
from twin_trainer.evaluation.report import FigureName, Interval, Report, Role
from twin_trainer.evaluation.suite import EvaluationInput, evaluate
from twin_trainer.gate import GatePolicy, Verdict, decide
from twin_trainer.testing.language_models import FakeLanguageModel, opened

from .material import samples

_HOSTILE = '<script>alert(1)</script> & "more"'


@pytest.fixture(scope="module")
def report() -> Report:
    broken = FakeLanguageModel(_HOSTILE, lambda _: _HOSTILE, lambda _: float("nan"))
    return evaluate(
        EvaluationInput(
            author_id="ada",
            dataset_id="ada-1",
            models={Role.BASE: opened(FakeLanguageModel("base", str.upper)), Role.SFT: opened(broken)},
            candidate=Role.SFT,
            training=samples("terse", 4),
            held_out=samples("terse", 3, first=10),
            policy=EvaluationPolicy(bootstrap=BootstrapPolicy(draws=50)),
        )
    )


@pytest.fixture(scope="module")
def verdict(report: Report) -> Verdict:
    return decide(report, GatePolicy())


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action")]


class TestPage:
    def test_it_needs_nothing_else_and_runs_nothing(self, report: Report, verdict: Verdict) -> None:
        page = _Page()
        page.feed(render_html(report, verdict))
        assert page.links == []
        assert not {"script", "link", "img", "iframe"} & set(page.tags)

    def test_what_models_write_is_text(self, report: Report, verdict: Verdict) -> None:
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in render_html(report, verdict)

    def test_every_drawing_is_read_aloud_and_every_table_has_a_caption(
        self, report: Report, verdict: Verdict
    ) -> None:
        text = render_html(report, verdict)
        assert text.count("<svg ") == len(re.findall(r'<svg role="img" [^>]*aria-label="[^"]+"', text)) > 15
        assert text.count("<table>") == text.count("<caption>") > 3
        assert '<html lang="en">' in text

    @pytest.mark.parametrize("render", [render_html, render_markdown])
    def test_every_rule_every_figure_and_every_warning_is_there(
        self, report: Report, verdict: Verdict, render: Callable[[Report, Verdict], str]
    ) -> None:
        text = render(report, verdict)
        measured = set(report.figures_of(Role.SFT)) | set(report.author)
        assert "Not passed" in text
        assert len(report.warnings) > 0
        for rule in verdict.rules:
            assert rule.rule.replace("_", " ") in text.replace("_", " ")
        for name in measured:
            assert FIGURES[name].title.replace("'", "&#39;") in text.replace("'", "&#39;")
        for warning in report.warnings:
            assert warning in text


def test_every_figure_is_described() -> None:
    assert set(FIGURES) == set(FigureName)


class TestChart:
    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_what_is_no_number_is_told_and_not_drawn(self, bad: float) -> None:
        good = Interval(estimate=1, low=0.5, high=1.5)
        rows = [Row("good", good), Row("bad", Interval(estimate=bad, low=bad, high=bad))]
        drawing = ET.fromstring(interval_chart("Title", rows, 2))  # noqa: S314 - our own
        assert len(drawing.findall("circle")) == 1
        assert f"bad {bad:.2f}" in drawing.attrib["aria-label"]

    def test_a_larger_value_stands_further_right(self) -> None:
        rows = [Row(str(value), Interval(estimate=value, low=value - 1, high=value + 1)) for value in (3, 9)]
        drawing = ET.fromstring(interval_chart("Title", rows, 0, with_zero=True))  # noqa: S314 - our own
        low, high = (float(circle.attrib["cx"]) for circle in drawing.findall("circle"))
        zero = float(next(line.attrib["x1"] for line in drawing.findall("line")))
        assert zero < low < high
