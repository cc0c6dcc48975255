"""The model card: README.md with YAML in front, as the Hugging Face Hub reads it. Nothing here does I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twin_trainer.evaluation.report import Interval, Report, Role
from twin_trainer.gate import Verdict


@dataclass(frozen=True)
class Lineage:
    """Whence a model comes; `kind`, `name` and `authors` are what an erasure looks for in a registry."""

    name: str
    authors: tuple[str, ...]
    dataset_id: str
    dataset_hash: str
    documents: tuple[str, ...]
    base_model: str
    base_revision: str
    base_licence: str | None
    configuration: Mapping[str, Any]
    code_version: str
    created_at: datetime

    def to_json(self) -> str:
        """As `lineage.json` has it."""
        fields = {"kind": "model", **vars(self), "created_at": self.created_at.isoformat()}
        return json.dumps(fields, indent=2, default=dict) + "\n"


def model_card(lineage: Lineage, report: Report, verdict: Verdict) -> str:
    """The card of a model."""
    learnt = "LoRA, merged" if lineage.configuration.get("method") != "full" else "all weights"
    rules = "".join(
        f"| {rule.rule} | {'passed' if rule.passed else 'FAILED'} | {rule.reason} |\n"
        for rule in verdict.rules
    )
    warnings = "".join(f"> **Note:** {warning}\n\n" for warning in report.warnings)
    return f"""---
{_metadata(lineage, report)}---
# {lineage.name}

A model that writes like {", ".join(lineage.authors)}, trained on their own published texts: supervised
fine-tuning and direct preference optimisation of {lineage.base_model} ({learnt}).

{warnings}## Evaluation

On {report.documents} held-out documents ({report.passages} passages), intervals at {report.confidence:.0%}.

{_table(report)}
## Gate

| rule | | |
|---|---|---|
{rules}
## Lineage

- dataset: `{lineage.dataset_id}`, sha256 of its rows `{lineage.dataset_hash}`
- documents: {len(lineage.documents)}, listed in `lineage.json`
- base: `{lineage.base_model}` at `{lineage.base_revision}`, licence {lineage.base_licence or "not stated"}
- made {lineage.created_at.isoformat()} by trainer {lineage.code_version}

## Use

It imitates one person. Say so where its text is read; do not let it speak for them without their consent. It
knows nothing that is not in its base or in those texts, and invents what it does not know. When a document in
`lineage.json` is erased, this model is to be trained anew without it.
"""


def headline_figures(report: Report) -> dict[str, float]:
    """The numbers that lists of models show: the candidate's, and its base's under `base_`."""
    figures = {
        f"{prefix}{name}": interval.estimate
        for prefix, role in (("", report.candidate), ("base_", Role.BASE))
        for name, interval in report.figures_of(role).items()
        if interval.is_finite
    }
    return figures | {"held_out_documents": float(report.documents)}


def _metadata(lineage: Lineage, report: Report) -> str:
    results = [
        {
            "task": {"type": "text-generation"},
            "dataset": {"name": lineage.dataset_id, "type": "held-out documents of the author"},
            "metrics": [
                {"type": str(name), "name": str(name).replace("_", " "), "value": round(found.estimate, 6)}
                for name, found in report.figures_of(report.candidate).items()
                if found.is_finite
            ],
        }
    ]
    fields = {
        "license": lineage.base_licence or "other",
        "language": [report.language],
        "base_model": lineage.base_model,
        "base_model_relation": "finetune",
        "datasets": [lineage.dataset_id],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["llm-twin", "sft", "dpo", "trl"],
        "model-index": [{"name": lineage.name, "results": results}],
    }
    # JSON is YAML, and needs no library to write.
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())


def _table(report: Report) -> str:
    roles = [model.role for model in report.models]
    names = sorted({name for model in report.models for name in model.figures})
    head = f"| | {' | '.join(roles)} |\n|---|{'---:|' * len(roles)}\n"
    return head + "".join(
        f"| {str(name).replace('_', ' ')} | "
        f"{' | '.join(_cell(report.figures_of(role).get(name)) for role in roles)} |\n"
        for name in names
    )


def _cell(found: Interval | None) -> str:
    return f"{found.estimate:.4g} ({found.low:.4g} to {found.high:.4g})" if found else ""
