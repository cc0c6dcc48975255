"""The rules of Prometheus do what their unit tests say, and each alert leads to a runbook."""

import subprocess
from pathlib import Path

import pytest

from tests.observability.prometheus_server import CONFIGURATION
from tests.observability.rules import RULE_FILES, RULE_TESTS, Rule, alert_expectations, all_rules

ROOT = Path(__file__).parents[2]

every_alert = pytest.mark.parametrize(
    "alert", [rule for rule in all_rules() if rule.is_alert], ids=lambda alert: alert.name
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_of_the_rules_pass(path: Path) -> None:
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_configuration() -> None:
    done = promtool("check", "config", CONFIGURATION)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_a_rule_that_does_not_fire(tmp_path: Path) -> None:
    """The proof that the tests above can fail."""
    [path] = [path for path in RULE_TESTS if path.stem == "cdc_test"]
    [rules] = [path for path in RULE_FILES if path.stem == "cdc"]
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules/cdc.yaml").write_text(rules.read_text().replace("> 60", "> 6000"))
    (tmp_path / "tests/cdc_test.yaml").write_text(path.read_text())
    done = promtool("test", "rules", tmp_path / "tests/cdc_test.yaml")
    assert done.returncode != 0
    assert "ChangeCaptureBehind" in done.stdout + done.stderr


@every_alert
def test_every_alert_is_tested_firing_and_silent(alert: Rule) -> None:
    assert alert_expectations().get(alert.name) == {True, False}


@every_alert
def test_every_alert_says_how_bad_it_is_and_what_to_do(alert: Rule) -> None:
    assert alert.labels["severity"] in {"page", "ticket"}
    assert alert.annotations["summary"].endswith(".")
    runbook = ROOT / alert.annotations["runbook_url"]
    assert runbook.parent == ROOT / "docs/runbooks"
    assert f"`{alert.name}`" in runbook.read_text(), f"{runbook.name} does not speak of {alert.name}"


def test_every_runbook_belongs_to_an_alert() -> None:
    named = {ROOT / rule.annotations["runbook_url"] for rule in all_rules() if rule.is_alert}
    assert set((ROOT / "docs/runbooks").glob("*.md")) - {ROOT / "docs/runbooks/README.md"} == named
