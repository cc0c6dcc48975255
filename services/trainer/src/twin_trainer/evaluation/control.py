"""Text that has nothing to do with any author, and questions about it; written for this project."""

import json
from functools import cache
from importlib.resources import files

from twin_trainer.evaluation.material import Question

CONTROL_LANGUAGE = "en"


@cache
def control_paragraphs() -> tuple[str, ...]:
    """Paragraphs of plain prose on general facts, each on a subject of its own."""
    return tuple(packaged_text("control.txt").strip().split("\n\n"))


@cache
def control_questions() -> tuple[Question, ...]:
    """Questions that the control's paragraphs answer, so that reading is measured for every author alike."""
    rows = [json.loads(line) for line in packaged_text("control_questions.jsonl").splitlines()]
    return tuple(
        Question(row["question"], row["evidence"], control_paragraphs()[row["paragraph"]]) for row in rows
    )


def packaged_text(name: str) -> str:
    """A file of this package's texts."""
    return files(__package__).joinpath(f"texts/{name}").read_text(encoding="utf-8")
