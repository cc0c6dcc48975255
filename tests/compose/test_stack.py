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

_COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
_PROJECT = "llm-twin-test"
_SERVICES = ("crawler", "cdc", "feature-stream", "rag-api")
_RESTART_SECONDS = 180.0

pytestmark = pytest.mark.integration


class Stack:
    """The stack as a person handles it, by `docker compose`."""

    def __init__(self) -> None:
        self.port = free_port()

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command; its output stands in the error when it fails."""
        files = [f"--file={_COMPOSE / name}" for name in ("compose.yaml", "compose.demo.yaml")]
        command = [
            "docker",
            "compose",
            f"--project-name={_PROJECT}",
            f"--project-directory={_COMPOSE}",
            *files,
        ]
        done = subprocess.run(
            [*command, *arguments],
            env=os.environ | {"TWIN_PORT": str(self.port)},
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


def test_a_crawl_becomes_a_cited_answer(stack: Stack) -> None:
    shown = stack.compose("run", "--rm", "-T", "twin", "demo", "--running", "--samples", "/samples").stdout
    assert "Sources" in shown
    assert "http://127.0.0.1:8099/" in shown


@pytest.mark.parametrize("service", [*_SERVICES, "mongodb", "kafka", "qdrant", "blog"])
def test_a_container_is_held_to_what_compose_says(stack: Stack, service: str) -> None:
    found = stack.inspect(service)
    limits = found["HostConfig"]
    assert limits["ReadonlyRootfs"] is True
    assert limits["CapDrop"] == ["ALL"]
    assert not limits["CapAdd"]
    assert limits["Memory"] > 0
    assert limits["PidsLimit"] > 0
    assert int(found["Config"]["User"].split(":")[0]) > 0


@pytest.mark.parametrize("service", _SERVICES)
def test_a_service_has_no_power_and_can_write_nothing(stack: Stack, service: str) -> None:
    status = stack.compose("exec", "-T", service, "cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    for place in ("/app/x", "/etc/x", "/x"):
        assert stack.compose("exec", "-T", service, "touch", place, check=False).returncode != 0


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
    ],
)
def test_a_service_reaches_only_its_servers(
    stack: Stack, service: str, host: str, port: int, expected: bool
) -> None:
    assert stack.reaches(service, host, port) == expected


def test_only_the_api_is_published_and_only_here(stack: Stack) -> None:
    for service in (*_SERVICES, "mongodb", "kafka", "qdrant"):
        bindings = stack.inspect(service)["HostConfig"]["PortBindings"] or {}
        expected = {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(stack.port)}]}
        assert bindings == (expected if service == "rag-api" else {})


@pytest.mark.parametrize("service", [*_SERVICES, "qdrant", "mongodb", "kafka"])
def test_a_killed_container_comes_back(stack: Stack, service: str) -> None:
    """Killed from within: what Docker itself kills counts as stopped by hand, and stays so."""
    before = stack.inspect(service)["RestartCount"]
    stack.compose("exec", "-T", service, "sh", "-c", "kill -9 -1", check=False)
    deadline = time.monotonic() + _RESTART_SECONDS
    while True:
        found = stack.inspect(service)
        if found["RestartCount"] > before and found["State"]["Health"]["Status"] == "healthy":
            break
        assert time.monotonic() < deadline, f"{service} did not come back: {found['State']}"
        time.sleep(1)
    stack.start()


def test_after_the_kills_the_index_equals_the_warehouse(stack: Stack) -> None:
    deadline = time.monotonic() + _RESTART_SECONDS
    while stack.compose("run", "--rm", "-T", "twin", "reconcile", "--check", check=False).returncode != 0:
        assert time.monotonic() < deadline
    assert "Sources" in stack.compose("run", "--rm", "-T", "twin", "ask", "What is a tombstone?").stdout
