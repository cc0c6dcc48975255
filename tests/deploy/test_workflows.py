"""The workflows: valid, pinned, allowed what they need, and about images and commands that there are."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.compose import COMPOSE, load

ROOT = Path(__file__).parents[2]
_ACTIONLINT = ROOT / ".cache" / "actionlint-1.7.12" / "actionlint"
_FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_WORKFLOWS = [pytest.param(path, id=path.stem) for path in _FILES]
_WRITES = {
    ("cd", "images"): {"packages", "id-token", "attestations"},
    ("ct", "ask"): {"issues"},
    ("ct", "approve"): {"issues"},
}
"""Every permission to change something, by workflow and job."""

Workflow = dict[Any, Any]


def _read(path: Path) -> Workflow:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


def _steps(workflow: Workflow) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def _built(workflow: Workflow, job: str) -> dict[str, tuple[str, str]]:
    """Of each image its Dockerfile and the extras of its packages."""
    matrix = workflow["jobs"][job]["strategy"]["matrix"]["include"]
    return {row["name"]: (row["file"], row.get("extras", "")) for row in matrix}


def test_there_is_one_for_each_purpose() -> None:
    assert [path.stem for path in _FILES] == ["cd", "ci", "ct", "docs", "security"]


def test_actionlint_finds_nothing() -> None:
    if not _ACTIONLINT.exists():
        pytest.skip("actionlint is missing: run tests/servers/install-linters.sh")
    done = subprocess.run([_ACTIONLINT, *_FILES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", _WORKFLOWS)
class TestWorkflow:
    def test_every_action_is_a_commit_whose_version_is_named(self, path: Path) -> None:
        used = re.findall(r"uses: (.*)", path.read_text())
        assert used
        for reference in used:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", reference)

    def test_one_action_has_one_version_everywhere(self, path: Path) -> None:
        everywhere = dict(re.findall(r"uses: (\S+)@(\w{40})", "".join(other.read_text() for other in _FILES)))
        for action, commit in re.findall(r"uses: (\S+)@(\w{40})", path.read_text()):
            assert everywhere[action] == commit

    def test_nothing_is_installed_without_a_version(self, path: Path) -> None:
        for step in _steps(_read(path)):
            command = step.get("run", "")
            for module in re.findall(r"go install (\S+)", command):
                assert re.search(r"@v\d+\.\d+\.\d+$", module), module
            for packages in re.findall(r"pip install (.*)", command):
                assert all("==" in word for word in packages.split() if not word.startswith("-")), packages
            assert "latest" not in command

    def test_every_machine_is_a_version(self, path: Path) -> None:
        for name, job in _read(path)["jobs"].items():
            machine = job["runs-on"]
            assert machine == ["self-hosted", "gpu"] or not machine.endswith("latest"), name
            assert "container" not in job
            assert "services" not in job

    def test_it_may_do_only_what_the_table_says(self, path: Path) -> None:
        workflow = _read(path)
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            writes = {scope for scope, access in job["permissions"].items() if access != "read"}
            assert writes == _WRITES.get((path.stem, name), set()), name

    def test_a_checkout_leaves_no_credential_behind(self, path: Path) -> None:
        for step in _steps(_read(path)):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False

    def test_no_command_is_pasted_together_from_what_a_stranger_wrote(self, path: Path) -> None:
        for step in _steps(_read(path)):
            pasted = re.findall(r"\$\{\{\s*([\w.-]+)", step.get("run", ""))
            assert all(name.startswith("matrix.") for name in pasted), pasted

    def test_it_ends_and_does_not_run_beside_itself(self, path: Path) -> None:
        workflow = _read(path)
        assert workflow["concurrency"]["group"]
        assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_the_images_are_those_of_the_stack() -> None:
    ci, cd = (_read(ROOT / ".github/workflows" / f"{name}.yml") for name in ("ci", "cd"))
    built = _built(ci, "images")
    assert built == _built(cd, "images")
    services = load(COMPOSE / "compose.yaml")["services"].values()
    expected = {
        service["image"].removeprefix("llm-twin/").partition(":")[0]: (
            service["build"]["dockerfile"],
            service["build"]["args"].get("EXTRAS", ""),
        )
        for service in services
        if "build" in service
    }
    assert built == expected


def test_released_images_are_looked_at_again_all_of_them() -> None:
    ci, security = (_read(ROOT / ".github/workflows" / f"{name}.yml") for name in ("ci", "security"))
    again = security["jobs"]["released-images"]["strategy"]["matrix"]["image"]
    assert set(again) == _built(ci, "images").keys()


def test_nothing_is_deployed_that_was_not_tried_and_approved() -> None:
    jobs = _read(ROOT / ".github/workflows/cd.yml")["jobs"]
    assert jobs["smoke"]["needs"] == "images"
    assert jobs["deploy"]["needs"] == "smoke"
    assert jobs["deploy"]["environment"] == "production"
    [build] = [step for step in jobs["images"]["steps"] if "build-push-action" in step.get("uses", "")]
    assert build["with"]["sbom"] is True
    assert build["with"]["provenance"] == "mode=max"


def test_no_model_is_used_that_nobody_approved() -> None:
    jobs = _read(ROOT / ".github/workflows/ct.yml")["jobs"]
    deciding = [name for name, job in jobs.items() if "models approve" in str(job["steps"])]
    assert deciding == ["approve"]
    assert jobs["approve"]["environment"] == "model-approval"
    assert set(jobs["approve"]["needs"]) == {"train", "ask"}


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {
        target
        for path in _FILES
        for step in _steps(_read(path))
        for target in re.findall(r"\bmake ([a-z0-9-]+)", step.get("run", ""))
    }
    assert used <= targets
