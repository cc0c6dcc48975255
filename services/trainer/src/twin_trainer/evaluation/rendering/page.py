"""What of a report stands where on a page, whatever it is written in."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

from twin_trainer.evaluation.figures import FIGURES, Description, Group, told
from twin_trainer.evaluation.rendering.charts import Row, interval_chart
from twin_trainer.evaluation.report import FigureName, Interval, Report
from twin_trainer.gate import Verdict

_TEMPLATES = ("report.html", "report.md")
_NAMES = {"base": "the base", "sft": "after SFT", "dpo": "after DPO", "production": "in production"}


@dataclass(frozen=True)
class FigureView:
    """One figure of all models, as a page shows it."""

    name: FigureName
    description: Description
    values: tuple[tuple[str, Interval | None], ...]
    """By model, the author last."""
    chart: Markup

    def told(self, found: Interval | None) -> str:
        """A value with its bounds, or a dash."""
        if found is None:
            return "–"
        low, high = told(self.name, found.low), told(self.name, found.high)
        return f"{told(self.name, found.estimate)} [{low}, {high}]"


@dataclass(frozen=True)
class GroupView:
    """The figures that answer one question."""

    title: str
    figures: tuple[FigureView, ...]


def rendered(template: str, report: Report, verdict: Verdict) -> str:
    """A report with what the gate made of it, by one of the templates."""
    page: str = (
        _environment()
        .get_template(template)
        .render(
            report=report,
            verdict=verdict,
            columns=[*(_NAMES[model.role] for model in report.models), "the author"],
            candidate=_NAMES[report.candidate],
            incumbent=_NAMES[report.incumbent],
            groups=list(_groups(report)),
            differences=_differences(report),
            names=_NAMES,
        )
    )
    return page


def _groups(report: Report) -> Iterator[GroupView]:
    for group in Group:
        views = [
            _view(name, description, report)
            for name, description in FIGURES.items()
            if description.group is group
        ]
        measured = tuple(view for view in views if any(found for _, found in view.values))
        if measured:
            yield GroupView(group.value, measured)


def _view(name: FigureName, description: Description, report: Report) -> FigureView:
    author = report.author.get(name)
    models = [(_NAMES[model.role], model.figures.get(name)) for model in report.models]
    rows = [Row(label, found) for label, found in models if found is not None]
    if author is not None:
        rows.append(Row("the author", author, is_reference=True))
    chart = Markup(interval_chart(description.title, rows, description.digits))  # noqa: S704 - it escapes
    return FigureView(name, description, (*models, ("the author", author)), chart)


def _differences(report: Report) -> Markup:
    """The candidate against the incumbent in style, each figure on its own scale."""
    rows = [
        Row(FIGURES[name].title, found)
        for name, found in report.against(report.incumbent).items()
        if FIGURES[name].group is Group.STYLE
    ]
    title = f"{_NAMES[report.candidate]} minus {_NAMES[report.incumbent]}"
    charts = [interval_chart(f"{title}, {row.label}", [row], 3, with_zero=True) for row in rows]
    return Markup("".join(charts))  # noqa: S704 - it escapes


@cache
def _environment() -> Environment:
    folder = files(__package__) / "templates"
    sources = {name: (folder / f"{name}.jinja").read_text(encoding="utf-8") for name in _TEMPLATES}
    return Environment(
        loader=DictLoader(sources),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
