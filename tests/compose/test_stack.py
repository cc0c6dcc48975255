"""The stack in Docker, for real: `make compose-test`. It has a project of its own and leaves no container."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twin_local.ports import free_port

_HERE = Path(__file__).parent
_COMPOSE = _HERE.parents[1] / "deploy" / "compose"
_FILES = (_COMPOSE / "compose.yaml", _COMPOSE / "compose.demo.yaml", _HERE / "compose.train.yaml")
_PROJECT = "llm-twin-test"
_SERVICES = ("crawler", "cdc", "feature-stream", "rag-api")
_TRAINING = ("datasets", "trainer")
_RESTART_SECONDS = 180.0
_TRAINING_SECONDS = 900.0

pytestmark = pytest.mark.integration


class Stack:
    """The stack as a person handles it, by `docker compose`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.profiles = ""

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command; its output stands in the error when it fails."""
        command = [
            "docker",
            "compose",
            f"--project-name={_PROJECT}",
            f"--project-directory={_COMPOSE}",
            *(f"--file={path}" for path in _FILES),
        ]
        done = subprocess.run(
            [*command, *arguments],
            env=os.environ | {"TWIN_PORT": str(self.port), "COMPOSE_PROFILES": self.profiles},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def start(self) -> None:
        """Until all of it is healthy."""
        self.compose("up", "--detach", "--wait")

    def inspect(self, service: str) -> dict[str, Any]:
        """What Docker knows of a service's container."""
        container = self.compose("ps", "--quiet", service).stdout.strip()
        command = ["docker", "inspect", container]
        [found] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert isinstance(found, dict)
        return found

    def reaches(self, service: str, host: str, port: int) -> bool:
        """Whether a connection can be made from inside a container."""
        script = f"import socket; socket.create_connection(({host!r}, {port}), timeout=3)"
        return self.compose("exec", "-T", service, "python", "-c", script, check=False).returncode == 0


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    stack = Stack()
    try:
        stack.start()
        yield stack
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--remove-orphans", check=False)


@pytest.fixture(scope="module")
def whole(stack: Stack) -> Stack:
    """With the profile `train`, and a random model of two layers to start from."""
    stack.profiles = "train"
    write = "from twin_trainer.testing.tiny_model import write_tiny_model as write; write(Path('/twin/tiny'))"
    stack.compose("run", "--rm", "-T", "trainer", "python", "-c", f"from pathlib import Path; {write}")
    stack.start()
    return stack


def test_a_crawl_becomes_a_cited_answer(stack: Stack) -> None:
    shown = stack.compose("run", "--rm", "-T", "twin", "demo", "--running", "--samples", "/samples").stdout
    assert "Sources" in shown
    assert "http://127.0.0.1:8099/" in shown


def test_what_was_crawled_trains_a_model_that_is_measured(whole: Stack) -> None:
    """`datasets` builds by itself, its event starts the training, and the trainer finds the dataset."""
    deadline = time.monotonic() + _TRAINING_SECONDS
    while True:
        shown = whole.compose("run", "--rm", "-T", "twin", "models", "list", "--json").stdout
        models = json.loads(shown)
        if models["twins"]:
            break
        assert not [one for one in models["trainings"] if one["state"] == "parked"], models
        assert time.monotonic() < deadline, models
        time.sleep(5)
    [model] = models["twins"]
    assert model["stage"] == "rejected"  # by the gate: it is random
    assert model["figures"]["perplexity"] > 1
    lineage = whole.compose("run", "--rm", "-T", "twin", "models", "lineage", model["id"]).stdout
    assert "/twin/tiny" in lineage


@pytest.mark.parametrize("service", [*_SERVICES, *_TRAINING, "mongodb", "kafka", "qdrant", "blog"])
def test_a_container_is_held_to_what_compose_says(whole: Stack, service: str) -> None:
    found = whole.inspect(service)
    limits = found["HostConfig"]
    assert limits["ReadonlyRootfs"] is True
    assert limits["CapDrop"] == ["ALL"]
    assert not limits["CapAdd"]
    assert limits["Memory"] > 0
    assert limits["PidsLimit"] > 0
    assert int(found["Config"]["User"].split(":")[0]) > 0
    assert found["State"]["Running"] is True
    assert found["State"]["OOMKilled"] is False


@pytest.mark.parametrize("service", [*_SERVICES, *_TRAINING])
def test_a_service_has_no_power_and_can_write_nothing(whole: Stack, service: str) -> None:
    status = whole.compose("exec", "-T", service, "cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    for place in ("/app/x", "/etc/x", "/x"):
        assert whole.compose("exec", "-T", service, "touch", place, check=False).returncode != 0


@pytest.mark.parametrize(
    ("service", "host", "port", "expected"),
    [
        ("rag-api", "qdrant", 6333, True),
        ("feature-stream", "qdrant", 6333, True),
        ("crawler", "mongodb", 27017, True),
        ("crawler", "qdrant", 6333, False),
        ("cdc", "qdrant", 6333, False),
        ("cdc", "1.1.1.1", 443, False),
        ("feature-stream", "1.1.1.1", 443, False),
        ("datasets", "qdrant", 6333, True),
        ("datasets", "1.1.1.1", 443, False),
        ("trainer", "mongodb", 27017, True),
        ("trainer", "qdrant", 6333, False),
    ],
)
def test_a_service_reaches_only_its_servers(
    whole: Stack, service: str, host: str, port: int, expected: bool
) -> None:
    assert whole.reaches(service, host, port) == expected


def test_only_the_api_is_published_and_only_here(whole: Stack) -> None:
    for service in (*_SERVICES, *_TRAINING, "mongodb", "kafka", "qdrant"):
        bindings = whole.inspect(service)["HostConfig"]["PortBindings"] or {}
        expected = {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(whole.port)}]}
        assert bindings == (expected if service == "rag-api" else {})


@pytest.mark.parametrize("service", [*_SERVICES, *_TRAINING, "qdrant", "mongodb", "kafka"])
def test_a_killed_container_comes_back(whole: Stack, service: str) -> None:
    """Killed from within: what Docker itself kills counts as stopped by hand, and stays so."""
    before = whole.inspect(service)["RestartCount"]
    whole.compose("exec", "-T", service, "sh", "-c", "kill -9 -1", check=False)
    deadline = time.monotonic() + _RESTART_SECONDS
    while True:
        found = whole.inspect(service)
        if found["RestartCount"] > before and _works(found["State"]):
            break
        assert time.monotonic() < deadline, f"{service} did not come back: {found['State']}"
        time.sleep(1)
    whole.start()


def test_after_the_kills_the_index_equals_the_warehouse(stack: Stack) -> None:
    deadline = time.monotonic() + _RESTART_SECONDS
    while stack.compose("run", "--rm", "-T", "twin", "reconcile", "--check", check=False).returncode != 0:
        assert time.monotonic() < deadline
    assert "Sources" in stack.compose("run", "--rm", "-T", "twin", "ask", "What is a tombstone?").stdout


def _works(state: dict[str, Any]) -> bool:
    """Healthy; of what nobody asks, running."""
    return bool(state["Health"]["Status"] == "healthy" if "Health" in state else state["Running"])
