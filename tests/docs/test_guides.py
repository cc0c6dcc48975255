"""What is written is there: links, commands, and the path from an empty cluster to a cited answer."""

import re
from pathlib import Path

import pytest
import typer
import yaml

from tests.deploy.manifests import KUBERNETES, render_overlay
from tests.deploy.test_workflows import ROOT
from tests.docs.guide import blocks, follow
from twin_local.cli.main import app

_PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")]
    if path.name != "CHANGELOG.md"
)
_EACH = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in _PAGES]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_KUBERNETES_GUIDE = ROOT / "docs/deploy/kubernetes.md"


@pytest.mark.parametrize("page", _EACH)
class TestPage:
    def test_its_links_lead_somewhere(self, page: Path) -> None:
        inside = [link for link in _LINK.findall(page.read_text()) if "://" not in link]
        assert [link for link in inside if not (page.parent / link).exists()] == []

    def test_its_make_targets_exist(self, page: Path) -> None:
        targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        named = set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z0-9-]+)", page.read_text()))
        assert named <= targets

    def test_its_commands_of_twin_exist(self, page: Path) -> None:
        command = typer.main.get_command(app)
        known = set(getattr(command, "commands", {}))
        named = set(re.findall(r"`twin ([a-z]+)", page.read_text()))
        assert named <= known


class TestFromAnEmptyCluster:
    """docs/deploy/kubernetes.md, up to the cited answer, to the letter."""

    def test_every_command_can_be_carried_out(self, tmp_path: Path) -> None:
        commands = "\n".join(_trying())
        done, told = follow(commands, tmp_path)
        assert done.returncode == 0, done.stderr
        assert [line for line in told if line.startswith("kubectl apply")] == [
            "kubectl apply -f deploy/k8s/base/namespace.yaml",
            "kubectl apply -k deploy/k8s/overlays/dev",
        ]

    def test_it_builds_every_image_that_the_overlay_runs(self, tmp_path: Path) -> None:
        _, told = follow("\n".join(_trying()), tmp_path)
        builds = [line.split() for line in told if line.startswith("docker build")]
        built = {line[line.index("-t") + 1]: line[line.index("-f") + 1] for line in builds}
        assert all((ROOT / file).exists() for file in built.values())
        [loaded] = [line.split()[3:] for line in told if line.startswith("kind load docker-image")]
        run = set(re.findall(r"image: (llm-twin/\S+)", yaml.safe_dump_all(render_overlay("dev"))))
        assert run <= built.keys()
        assert set(loaded) == built.keys()

    def test_it_makes_the_secrets_that_the_overlay_cannot_do_without(self, tmp_path: Path) -> None:
        _, told = follow("\n".join(_trying()), tmp_path)
        made = set(re.findall(r"create secret generic (\S+)", "\n".join(told)))
        text = yaml.safe_dump_all(render_overlay("dev"))
        needed = {
            name
            for entry in re.findall(r"secretKeyRef:\n((?:\s+(?:key|name|optional): \S+\n)+)", text)
            if "optional" not in entry
            for name in re.findall(r"name: (\S+)", entry)
        }
        assert needed == made

    def test_it_waits_for_jobs_that_there_are(self, tmp_path: Path) -> None:
        _, told = follow("\n".join(_trying()), tmp_path)
        waited = set(re.findall(r"job/(\w+)", "\n".join(told)))
        jobs = {one["metadata"]["name"] for one in render_overlay("dev") if one["kind"] == "Job"}
        assert waited <= jobs

    def test_a_mistake_is_noticed(self, tmp_path: Path) -> None:
        done, _ = follow("kubectl apply -k deploy/k8s/overlays/nowhere", tmp_path)
        assert done.returncode != 0


def test_every_component_is_in_the_guide() -> None:
    parts = set(re.findall(r"`([a-z-]+)`", _KUBERNETES_GUIDE.read_text()))
    assert {folder.name for folder in (KUBERNETES / "components").iterdir()} <= parts


def _trying() -> list[str]:
    """The blocks of the part that needs nothing but a cluster."""
    text = _KUBERNETES_GUIDE.read_text()
    first = text[: text.index("## Production")]
    return [block for block in blocks(_KUBERNETES_GUIDE) if block in first]
