"""Preference pairs for a dataset that has none: the author's text against what the base writes."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from twin_trainer.evaluation.material import Sample, read_samples, spread
from twin_trainer.evaluation.models import OpenModel

_BATCH = 8
_DONE = "COMPLETE"


@dataclass(frozen=True)
class PairPolicy:
    """How much the base writes."""

    pairs: int
    """For training, spread over the documents; a quarter of that is held out besides."""
    max_new_tokens: int
    """Of an answer."""


def write_pairs(
    rows_folder: Path, base: OpenModel, target: Path, policy: PairPolicy, told: Callable[[int, int], None]
) -> Path:
    """Write preference/{train,test}.parquet for a dataset's instructions; a finished folder is left as it is.

    Args:
        rows_folder: a dataset version's folder.
        base: what writes the rejected answers.
        target: where they are kept; a call that was cut off goes on behind the answers it had.
        told: called with how many answers there are and how many there will be.

    Returns:
        `target`, as `train_dpo` wants it.
    """
    if (target / _DONE).exists():
        return target
    target.mkdir(parents=True, exist_ok=True)
    train, test = read_samples(rows_folder)
    chosen = {
        "train": spread([sample for sample in train if sample.is_prose], policy.pairs),
        "test": spread([sample for sample in test if sample.is_prose], max(1, policy.pairs // 4)),
    }
    samples = [*chosen["train"], *chosen["test"]]
    answers = _ask(base, samples, target / "answers.jsonl", policy.max_new_tokens, told)
    for split, samples in chosen.items():
        _write(target / "preference" / f"{split}.parquet", samples, answers)
    (target / _DONE).touch()
    return target


def _ask(
    base: OpenModel,
    samples: Sequence[Sample],
    file: Path,
    max_new_tokens: int,
    told: Callable[[int, int], None],
) -> dict[str, str]:
    answers: dict[str, str] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # the last line of a call that was cut off
                prompt, answer = json.loads(line)
                answers[prompt] = answer
    missing = sorted({sample.prompt for sample in samples} - answers.keys())
    if not missing:
        return answers
    with base() as model, file.open("a", encoding="utf-8") as kept:
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            for prompt, answer in zip(batch, model.generate(batch, max_new_tokens), strict=True):
                answers[prompt] = answer
                kept.write(json.dumps([prompt, answer]) + "\n")
            kept.flush()
            told(len(answers), len(answers) + len(missing) - start - len(batch))
    return answers


def _write(path: Path, samples: Sequence[Sample], answers: dict[str, str]) -> None:
    import pyarrow as arrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    def said(role: str, text: str) -> list[dict[str, str]]:
        return [{"role": role, "content": text}]

    rows = [
        {
            "prompt": said("user", sample.prompt),
            "chosen": said("assistant", sample.answer),
            "rejected": said("assistant", answers[sample.prompt]),
        }
        for sample in samples
        # An empty answer teaches nothing but to write something.
        if answers[sample.prompt].strip()
    ]
    if rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(arrow.Table.from_pylist(rows), path)
