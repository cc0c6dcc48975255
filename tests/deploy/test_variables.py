"""No variable is misspelt, forgotten or without an explanation, wherever the platform is configured."""

import re
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from tests.deploy.compose import COMPOSE, OVERLAYS, load
from tests.deploy.manifests import OVERLAYS as KUBERNETES_OVERLAYS
from tests.deploy.manifests import of_kind, pods, render_overlay
from tests.deploy.settings import ALL_VARIABLES, OF_THE_COMMAND, OPTIONAL, READ_BY, SERVICES, read_by

_LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$")
_CLASSES = sorted({cls for classes in READ_BY.values() for cls in classes}, key=lambda cls: cls.__name__)


def _example() -> dict[str, tuple[str, str]]:
    """Of each variable in .env.example what explains it and its default."""
    found: dict[str, tuple[str, str]] = {}
    explanation: list[str] = []
    for line in (COMPOSE / ".env.example").read_text().splitlines():
        if match := _LINE.match(line):
            found[match[1]] = (" ".join(explanation), match[2].strip("'\""))
            explanation = explanation if match[1] == "PYTHON_IMAGE" else []
        elif line.startswith("# "):
            explanation.append(line[2:])
        else:
            explanation = []
    return found


def _defaults(settings: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        # Where a server is, nobody can guess: .env.example says what compose.yaml sets.
        assert field.default is not PydanticUndefined or name in ("url", "bootstrap_servers"), name
        if field.default is PydanticUndefined:
            continue
        yield f"{prefix}{name}".upper(), _written(field.default)


def _written(value: object) -> str:
    """As it stands in an environment file."""
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, tuple | frozenset):
        return "[]" if isinstance(value, tuple) else ""
    return str(value)


class TestExample:
    def test_it_has_every_setting_of_every_service_and_nothing_else(self) -> None:
        interpolated = set(re.findall(r"\$\{([A-Z_]+)", "".join(path.read_text() for path in OVERLAYS)))
        assert set(_example()) == ALL_VARIABLES | interpolated

    def test_it_explains_each(self) -> None:
        assert not [name for name, (explanation, _) in _example().items() if len(explanation) < 10]

    @pytest.mark.parametrize("settings", _CLASSES)
    def test_it_names_the_defaults(self, settings: type[BaseSettings]) -> None:
        example = _example()
        for name, default in _defaults(settings):
            assert example[name][1] == default, name


class TestCompose:
    @pytest.mark.parametrize("service", [*SERVICES, *OPTIONAL, "topics", "datasets"])
    def test_a_service_is_given_only_what_it_reads(self, service: str) -> None:
        for overlay in OVERLAYS:
            definition = load(overlay)["services"].get(service, {})
            given = set(definition.get("environment", {}))
            given |= {secret["target"] for secret in definition.get("secrets", [])}
            assert given <= read_by(service), overlay.name

    def test_the_command_is_given_what_it_reads(self) -> None:
        definition = load(COMPOSE / "compose.yaml")["services"]["twin"]
        assert set(definition["environment"]) <= ALL_VARIABLES | OF_THE_COMMAND


@pytest.mark.parametrize("overlay", KUBERNETES_OVERLAYS)
class TestKubernetes:
    def test_every_shared_variable_is_read_by_some_service(self, overlay: str) -> None:
        [configuration] = of_kind(render_overlay(overlay), "ConfigMap")
        assert set(configuration["data"]) <= ALL_VARIABLES

    def test_a_service_is_given_only_what_it_reads(self, overlay: str) -> None:
        for pod in pods(render_overlay(overlay)):
            for container in pod.containers:
                if container["name"] in READ_BY:
                    given = {variable["name"] for variable in container.get("env", [])}
                    assert given <= read_by(container["name"]), pod.name

    def test_a_service_is_given_the_addresses_that_it_cannot_guess(self, overlay: str) -> None:
        manifests = render_overlay(overlay)
        [configuration] = of_kind(manifests, "ConfigMap")
        for pod in pods(manifests):
            for container in pod.containers:
                if container["name"] in READ_BY:
                    given = {variable["name"] for variable in container.get("env", [])} | set(
                        configuration["data"]
                    )
                    needed = {"MONGODB_URL", "KAFKA_BOOTSTRAP_SERVERS", "QDRANT_URL", "QDRANT_API_KEY"}
                    assert needed & read_by(container["name"]) <= given, pod.name
