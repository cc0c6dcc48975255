"""A guide's commands as they stand in it, and what they are run with where no cluster is at hand."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(guide: Path) -> list[str]:
    """The guide's blocks of commands, in order."""
    return _BLOCK.findall(guide.read_text())


def follow(commands: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run commands to the letter from the repository's root.

    kubectl renders for real what it is to apply, and makes secrets for real, but sends them nowhere; docker,
    kind and openssl are only written down. The second value is every command of theirs, in order.
    """
    tools, told = folder / "bin", folder / "told"
    tools.mkdir()
    told.touch()
    real = Path(sys.executable).with_name("kubectl")
    stand_ins = {
        "docker": "",
        "kind": "",
        "openssl": "echo 0123456789abcdef\n",
        "kubectl": f"""
case "$*" in
    "apply -k "* | "apply --kustomize "*) "{real}" kustomize "$3" >/dev/null ;;
    "apply -f "*) test -r "$3" ;;
    *"create secret"*) "{real}" "$@" --dry-run=client -o yaml >/dev/null ;;
esac
""",
    }
    for name, body in stand_ins.items():
        script = tools / name
        script.write_text(f'#!/bin/sh\nset -e\necho "{name} $*" >>"{told}"\n{body}')
        script.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, told.read_text().splitlines()
