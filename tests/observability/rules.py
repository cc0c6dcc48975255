"""The rules of Prometheus and their unit tests, as data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OBSERVABILITY = Path(__file__).parents[2] / "deploy/observability"
RULE_FILES = tuple(sorted(OBSERVABILITY.glob("rules/*.yaml")))
RULE_TESTS = tuple(sorted(OBSERVABILITY.glob("tests/*_test.yaml")))


@dataclass(frozen=True)
class Rule:
    """One rule, as its file has it."""

    name: str
    expression: str
    labels: dict[str, str]
    annotations: dict[str, str]
    is_alert: bool


def all_rules() -> list[Rule]:
    """Every rule of every file, in their order."""
    return [_rule(entry) for path in RULE_FILES for group in _groups(path) for entry in group["rules"]]


def _rule(entry: dict[str, Any]) -> Rule:
    name = entry.get("alert") or entry["record"]
    return Rule(
        name, entry["expr"], entry.get("labels", {}), entry.get("annotations", {}), is_alert="alert" in entry
    )


def _groups(path: Path) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load(path.read_text())["groups"]
    return groups


def alert_expectations() -> dict[str, set[bool]]:
    """By alert: whether its tests expect it to fire, and whether they expect it to be silent."""
    expectations: dict[str, set[bool]] = {}
    for path in RULE_TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for expected in case.get("alert_rule_test", ()):
                expectations.setdefault(expected["alertname"], set()).add(bool(expected["exp_alerts"]))
    return expectations
