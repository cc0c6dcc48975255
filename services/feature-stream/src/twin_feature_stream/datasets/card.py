"""The data card: README.md with YAML in front, as the Hugging Face Hub reads it. Nothing here does I/O."""

import json
from collections.abc import Mapping

from twin_feature_stream.datasets.dataset import INSTRUCT, PREFERENCE, TEST, TRAIN
from twin_feature_stream.datasets.version import DatasetVersion

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))


def data_card(version: DatasetVersion, languages: list[str]) -> str:
    """The card of a version.

    Args:
        languages: tags of the languages of its prose.
    """
    statistics, lineage = version.statistics, version.lineage
    warnings = "".join(f"> **Note:** {warning}\n\n" for warning in statistics.warnings)
    return f"""---
{_metadata(version, languages)}---
# {version.dataset_id}

Text of {", ".join(lineage.authors)}, made into samples for fine-tuning. Every answer of `instruct` is the
author's own text; `preference` sets it, or the author's own edit, against what a model wrote.

{warnings}## Contents

{_table("rows", statistics.rows)}
{_table("training samples by kind", statistics.kinds)}
{_table("training samples by category", statistics.categories)}
The training answers have {statistics.answer_words} words.

The newest documents of each category are held out, whole; no document is in both splits.

## What was left out

{_table("documents", statistics.documents_dropped)}
{_table("samples", statistics.samples_dropped)}
{_table("pairs", statistics.pairs_dropped)}
{_table("redacted in the text", statistics.redacted)}
Paragraphs that stand in several documents and were left out: {statistics.boilerplate_paragraphs}.

## Lineage

- sha256 of the rows: `{lineage.content_hash}`
- made {lineage.created_at.isoformat()} by feature-stream {lineage.code_version}
- documents: {len(lineage.documents)} of {statistics.documents_read}, each with its version in `lineage.json`
- instructions by: {", ".join(lineage.instructions_by) or "nobody"}
- rejected answers by: {", ".join(lineage.rejected_by) or "nobody"}

## Personal data

The text is one person's. Secrets, e-mail and street addresses, telephone, card and account numbers are
replaced by placeholders as far as rules find them. When a document is erased, every version that names it
in `lineage.json` is to be deleted, and so are the models that were trained on it.
"""


def _metadata(version: DatasetVersion, languages: list[str]) -> str:
    rows = version.statistics.rows
    total = sum(rows.values())
    size = next((name for limit, name in _SIZES if total < limit), "n>100K")
    fields = {
        "pretty_name": version.dataset_id,
        "language": languages,
        "license": "other",
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "tags": ["llm-twin", "sft", "dpo", "trl"],
        "configs": [
            {
                "config_name": configuration,
                "default": configuration == INSTRUCT,
                "data_files": [
                    {"split": split, "path": f"{configuration}/{split}.parquet"}
                    for split in (TRAIN, TEST)
                    if rows[f"{configuration}/{split}"]
                ],
            }
            for configuration in (INSTRUCT, PREFERENCE)
            if rows[f"{configuration}/{TRAIN}"]
        ],
    }
    # JSON is YAML, and needs no library to write.
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())


def _table(title: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return f"- {title}: none\n"
    lines = "".join(f"| {name} | {count} |\n" for name, count in sorted(counts.items()))
    return f"| {title} | |\n|---|---:|\n{lines}"
