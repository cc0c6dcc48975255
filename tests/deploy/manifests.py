"""The manifests as a cluster would get them: rendered by the kustomize that is inside kubectl."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "k8s"
OVERLAYS = sorted(folder.name for folder in (KUBERNETES / "overlays").iterdir())

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """What a workload makes copies of."""

    name: str
    kind: str
    labels: dict[str, str]
    spec: Manifest

    @property
    def containers(self) -> list[Manifest]:
        """All of them, those that run before the others too."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


@cache
def render(folder: Path) -> tuple[Manifest, ...]:
    """Every object that applying a folder would make."""
    kubectl = Path(sys.executable).with_name("kubectl")
    command = [str(kubectl), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


def render_overlay(name: str) -> tuple[Manifest, ...]:
    """Every object of an overlay."""
    return render(KUBERNETES / "overlays" / name)


def render_with(component: str, folder: Path) -> tuple[Manifest, ...]:
    """Every object of the base with one component; `folder` is an empty one."""
    base, part = (os.path.relpath(KUBERNETES / name, folder) for name in ("base", f"components/{component}"))
    (folder / "kustomization.yaml").write_text(f"resources: [{base}]\ncomponents: [{part}]\n")
    return render(folder)


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    """The objects of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pods(manifests: tuple[Manifest, ...]) -> Iterator[Pod]:
    """Each workload's pod."""
    for manifest in of_kind(manifests, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"):
        spec = manifest["spec"]
        template = (
            spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"]
        )
        labels = template["metadata"]["labels"]
        yield Pod(manifest["metadata"]["name"], manifest["kind"], labels, template["spec"])
