"""The compose stack: hardened, started in order, its networks apart."""

import re
from itertools import combinations
from typing import Any

import pytest

from tests.deploy.compose import COMPOSE, OVERLAYS, load
from tests.deploy.settings import OPTIONAL, SERVICES

Service = dict[str, Any]

_CORE = load(COMPOSE / "compose.yaml")
_ALL: dict[str, Service] = _CORE["services"]
_WHOLE = [pytest.param(name, service, id=name) for name, service in _ALL.items()]
_ADDED = load(COMPOSE / "compose.demo.yaml")["services"]["blog"]
_JOBS = {"topics", "twin"}
# Their images carry no shell or client to ask with; nothing waits for them.
_UNASKED = {"collector", "jaeger", "prometheus", "grafana"}


@pytest.mark.parametrize(("name", "service"), [*_WHOLE, pytest.param("blog", _ADDED, id="blog")])
class TestContainers:
    def test_it_runs_as_nobody_and_may_write_nothing(self, name: str, service: Service) -> None:
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert "privileged" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        user, group = service["user"].split(":")
        assert int(user) > 0
        assert int(group) > 0

    def test_it_is_limited(self, name: str, service: Service) -> None:
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert 0 < service["pids_limit"] <= 4096

    def test_its_image_is_a_version(self, name: str, service: Service) -> None:
        tag = service["image"].partition(":")[2]
        assert tag, name
        assert "latest" not in tag

    def test_only_this_machine_reaches_it(self, name: str, service: Service) -> None:
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


@pytest.mark.parametrize(("name", "service"), _WHOLE)
class TestOrder:
    def test_it_waits_for_health_or_for_an_end_never_for_a_mere_start(
        self, name: str, service: Service
    ) -> None:
        for other, condition in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in _JOBS else "service_healthy"
            assert condition == {"condition": expected}, name

    def test_what_others_wait_for_can_say_how_it_is(self, name: str, service: Service) -> None:
        assert "healthcheck" in service or name in {*SERVICES, *OPTIONAL, *_JOBS, *_UNASKED}


def test_every_service_waits_for_the_topics_and_the_warehouse() -> None:
    for name in (*SERVICES, *OPTIONAL):
        assert {"topics", "mongodb"} <= _ALL[name]["depends_on"].keys()


def test_what_is_not_core_has_a_profile() -> None:
    profiles = {name: service["profiles"] for name, service in _ALL.items() if "profiles" in service}
    observability = {name: ["observability"] for name in _UNASKED}
    trained = {"datasets": ["train"], "trainer": ["train"]}
    assert profiles == {"twin": ["tools"], "tgi": ["gpu"], **trained, **observability}


def test_two_containers_share_a_network_only_where_one_needs_the_other() -> None:
    """A network is named after what stands on it; the services on it are its clients."""
    server = {
        "kafka": "bus",
        "mongodb": "warehouse",
        "qdrant": "index",
        "tgi": "model",
        "collector": "telemetry",
    }
    clients = {
        "bus": {*SERVICES, *OPTIONAL, "datasets", "topics", "twin"},
        "warehouse": {*SERVICES, *OPTIONAL, "datasets", "twin"},
        "index": {"feature-stream", "rag-api", "datasets", "twin"},
        "model": {"rag-api"},
        "telemetry": {*SERVICES, *OPTIONAL, "datasets", "jaeger", "prometheus", "grafana"},
    }
    for name, network in server.items():
        on_it = {other for other, service in _ALL.items() if network in service["networks"]}
        assert on_it == clients[network] | {name}


def test_only_what_must_go_out_can() -> None:
    outward = {name for name, network in _CORE["networks"].items() if not (network or {}).get("internal")}
    can = {name for name, service in _ALL.items() if outward & set(service["networks"])}
    # The API and the pages of observability stand on `edge`: Docker publishes no port of an internal network.
    assert can == {"crawler", "trainer", "tgi", "rag-api", "twin", "jaeger", "prometheus", "grafana"}


def test_volumes_networks_and_secrets_are_all_declared_and_all_used() -> None:
    volumes = {
        volume.partition(":")[0]
        for service in _ALL.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }
    networks = {network for service in _ALL.values() for network in service["networks"]}
    secrets = {secret["source"] for service in _ALL.values() for secret in service.get("secrets", [])}
    assert volumes == set(_CORE["volumes"])
    assert networks == set(_CORE["networks"])
    assert secrets == set(_CORE["secrets"])


def test_every_secret_is_a_file_that_the_script_makes() -> None:
    script = (COMPOSE / "secrets.sh").read_text()
    made = set(re.findall(r"^keep (\w+)", script, re.MULTILINE))
    assert {secret["file"] for secret in _CORE["secrets"].values()} == {f"secrets/{name}" for name in made}


def test_mounted_files_exist() -> None:
    for service in _ALL.values():
        for volume in service.get("volumes", []):
            if volume.startswith("."):
                assert (COMPOSE / volume.partition(":")[0]).exists()


def test_the_registry_is_one_for_all() -> None:
    """An event names a dataset by its place in the registry: who reads there must mount what was written."""
    of_the_command = f"{_ALL['twin']['environment']['TWIN_HOME']}/registry"
    folders = {
        "datasets": _ALL["datasets"]["environment"]["DATASETS_REGISTRY"],
        "trainer": _ALL["trainer"]["environment"]["TRAINER_REGISTRY"],
        "twin": of_the_command,
    }
    for name, folder in folders.items():
        assert f"registry:{folder}" in _ALL[name]["volumes"], name


def test_one_broker_can_hold_transactions() -> None:
    environment = _ALL["kafka"]["environment"]
    assert environment["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"] == "1"
    assert environment["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == "1"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_an_overlay_changes_only_what_is_there() -> None:
    for path in OVERLAYS:
        added = load(path)["services"].keys() - _ALL.keys()
        assert added <= {"blog"}, path.name


def test_no_two_containers_take_one_port() -> None:
    ports = [
        port for path in OVERLAYS for one in load(path)["services"].values() for port in one.get("ports", [])
    ]
    assert not [pair for pair in combinations(ports, 2) if pair[0].split(":")[1] == pair[1].split(":")[1]]
