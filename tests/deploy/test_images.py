"""The Dockerfiles: one pattern, nothing of the build in the result, the ports that the services have."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.deploy.settings import OPTIONAL, READ_BY, SERVICES

ROOT = Path(__file__).parents[2]
_DOCKERFILES = {name: ROOT / "services" / name / "Dockerfile" for name in (*SERVICES, *OPTIONAL)}
_ALL = {**_DOCKERFILES, "twin": ROOT / "deploy" / "local" / "Dockerfile"}
_PACKAGES = {
    tomllib.loads(path.read_text())["project"]["name"]: path.parent
    for path in (*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml"))
}


def _stages(path: Path) -> tuple[str, str]:
    _, build, result = re.split(r"^FROM ", path.read_text(), flags=re.MULTILINE)
    return build, result


def _depends_on(package: Path) -> set[str]:
    """The folders of the packages of this project that one needs, itself among them."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    names = {
        re.split(r"[\[=<>~ ]", dependency)[0] for dependency in project["dependencies"]
    } & _PACKAGES.keys()
    return {str(package.relative_to(ROOT))}.union(*(_depends_on(_PACKAGES[name]) for name in names))


def test_every_service_has_one() -> None:
    with_sources = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    assert with_sources == {path.parent.name for path in ROOT.glob("services/*/Dockerfile")}


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in _ALL.items()])
class TestDockerfile:
    def test_the_result_has_no_build_tool_and_no_root(self, path: Path) -> None:
        _, result = _stages(path)
        assert not re.search(r"\buv\b|pip install", result)
        installed = re.findall(r"apt-get install (?:-\S+ )*([^\\&]+)", result)
        assert [packages.split() for packages in installed] in (
            [],
            [["git"]],
        )  # the crawler reads repositories
        assert re.search(r"^USER 10001:10001$", result, re.MULTILINE)
        assert "COPY --from=build /app /app" in result

    def test_it_installs_what_is_locked(self, path: Path) -> None:
        build, _ = _stages(path)
        commands = re.findall(r"uv sync (.*)", build)
        assert commands
        assert all("--frozen" in command for command in commands)

    def test_what_it_depends_on_of_the_project_is_there_to_build(self, path: Path) -> None:
        build, _ = _stages(path)
        copied = re.findall(r"^COPY (\S+) ", build, re.MULTILINE)
        for folder in _depends_on(path.parent):
            assert any(folder == copy or folder.startswith(f"{copy}/") for copy in copied), folder

    def test_its_base_is_a_version_that_a_digest_can_pin(self, path: Path) -> None:
        text = path.read_text()
        assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-\w+$", text, re.MULTILINE)
        assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {
            "${PYTHON_IMAGE}${PYTHON_DIGEST:+@$PYTHON_DIGEST}"
        }

    def test_it_uses_only_what_older_builders_know(self, path: Path) -> None:
        text = path.read_text()
        assert not re.search(r"^# syntax=|<<|COPY --link|--start-interval", text, re.MULTILINE)

    def test_it_says_what_it_is(self, path: Path) -> None:
        _, result = _stages(path)
        labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", result))
        assert labels == {"title", "description", "version", "revision", "licenses"}
        assert "HEALTHCHECK" in result


@pytest.mark.parametrize("name", [*SERVICES, *OPTIONAL])
def test_a_service_listens_where_it_is_asked(name: str) -> None:
    prefix = name.upper().replace("-", "_")
    port = READ_BY[name][0].model_fields["http_port"].default
    _, result = _stages(_DOCKERFILES[name])
    assert f"{prefix}_HTTP_PORT={port}\n" in result
    assert f"{prefix}_HTTP_HOST=0.0.0.0" in result
    assert f"EXPOSE {port}\n" in result
    assert f"http://127.0.0.1:{port}/readyz" in result
    assert f'CMD ["python", "-m", "twin_{name.replace("-", "_")}"]' in result


def test_secrets_as_files_become_variables(tmp_path: Path) -> None:
    script = (ROOT / "deploy" / "images" / "entrypoint").read_text()
    (tmp_path / "QDRANT_API_KEY").write_text("k=y with $signs\n")
    (tmp_path / "RAG_API_LLM_API_KEY").write_text("")
    (tmp_path / "kubernetes.io").mkdir()
    script = script.replace("/run/secrets", str(tmp_path))
    command = ["sh", "-c", script, "entrypoint", "env"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    assert "QDRANT_API_KEY=k=y with $signs" in done.stdout.splitlines()
    assert "RAG_API_LLM_API_KEY" not in done.stdout
