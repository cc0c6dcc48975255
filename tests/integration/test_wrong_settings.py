"""What a service says when it is told wrong: real processes, and servers that refuse or are away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import httpx
import pytest

from twin_local.ports import free_port
from twin_local.servers import mongodb

pytestmark = pytest.mark.integration

_PATIENCE_SECONDS = 120
_SECRET = "canary-4711"
"""A password that must not be repeated in anything that is said."""


@dataclass(frozen=True)
class Service:
    """How one service is started, and what it says of servers beside the warehouse."""

    module: str
    port_variable: str
    also_named: tuple[str, ...] = ()


_SERVICES = {
    "crawler": Service("twin_crawler", "CRAWLER_HTTP_PORT"),
    "cdc": Service("twin_cdc", "CDC_HTTP_PORT"),
    "feature-stream": Service("twin_feature_stream", "FEATURE_STREAM_HTTP_PORT", ("401", "Kafka")),
    # A search needs no Kafka; what does need it is answered with 503 and Kafka's name.
    "rag-api": Service("twin_rag_api", "RAG_API_HTTP_PORT", ("401",)),
}
_EACH = [pytest.param(service, id=name) for name, service in _SERVICES.items()]


@dataclass(frozen=True)
class Refusing:
    """Servers that answer, and let nobody in."""

    mongodb_url: str
    qdrant_url: str


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusing]:
    """A MongoDB-wire server that asks for a password nobody has, and an index that knows another key."""
    port = free_port()
    command = mongodb.command("127.0.0.1", port, tmp_path_factory.mktemp("mongodb"))
    with _Unauthorized() as index, _running([*command, "--auth"], {}):
        yield Refusing(
            f"mongodb://twin:{_SECRET}@127.0.0.1:{port}/?directConnection=true",
            f"http://127.0.0.1:{index.server_port}",
        )


class _Unauthorized(ThreadingHTTPServer):
    """Answers as Qdrant does to a wrong key."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = b"Invalid API key or JWT"
                self.send_response(401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        super().__init__(("127.0.0.1", 0), Handler)
        Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """An environment in which nothing is set for the services but these."""
    prefixes = ("KAFKA_", "MONGODB_", "QDRANT_", "CRAWLER_", "CDC_", "FEATURE_STREAM_", "RAG_API_", "LOG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    nowhere = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "MONGODB_URL": f"mongodb://127.0.0.1:{free_port()}/?directConnection=true",
        "QDRANT_URL": f"http://127.0.0.1:{free_port()}",
    }
    given = {**nowhere, "EMBEDDING_BACKEND": "hashing", "MONGODB_TIMEOUT_SECONDS": "2", **changes}
    return environment | {name: value for name, value in given.items() if value is not None}


@contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env=os.environ | dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _ended(service: Service, folder: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", service.module],
        env=_environment(changes),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("service", _EACH)
def test_a_missing_variable_is_named_with_what_it_is_for(service: Service, tmp_path: Path) -> None:
    done = _ended(service, tmp_path, MONGODB_URL=None)
    assert done.returncode == 1
    assert "MONGODB_URL is not set. What it is for: MongoDB's connection string" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("service", _EACH)
def test_every_server_that_refuses_or_is_away_is_named_and_asked_again(
    service: Service, refusing: Refusing, tmp_path: Path
) -> None:
    changes = {
        "MONGODB_URL": refusing.mongodb_url,
        "QDRANT_URL": refusing.qdrant_url,
        "QDRANT_API_KEY": _SECRET,
    }
    with _started(service, tmp_path, changes) as readiness:
        readiness.until(lambda text: all(word in text for word in ("MONGODB_URL", *service.also_named)))
        assert _SECRET not in readiness.said


@pytest.mark.parametrize("name", ["crawler", "cdc"])
def test_kafka_is_named_once_the_warehouse_answers(name: str, mongodb_url: str, tmp_path: Path) -> None:
    changes = {"MONGODB_URL": mongodb_url, "MONGODB_DATABASE": f"test_{uuid4().hex}"}
    with _started(_SERVICES[name], tmp_path, changes) as readiness:
        readiness.until(lambda text: "kafka" in text.lower() and "warehouse" not in text)


class _Readiness:
    """What a process answers at /readyz."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self._process, self._url, self._log = process, url, log

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def until(self, condition: Callable[[str], bool]) -> str:
        """Its answer when it is not ready for the reason that the condition looks for."""
        deadline, answer = time.monotonic() + _PATIENCE_SECONDS, ""
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"it ended: {self.said[-3000:]}"
            try:
                response = httpx.get(self._url, timeout=30, trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            answer = response.text
            if response.status_code == 503 and condition(answer):
                return answer
            time.sleep(0.2)
        raise AssertionError(f"the last answer: {answer}\n{self.said[-3000:]}")


@contextmanager
def _started(service: Service, folder: Path, changes: Mapping[str, str]) -> Iterator[_Readiness]:
    port, log = free_port(), folder / "log"
    environment = _environment({**changes, service.port_variable: str(port)})
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", service.module],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _Readiness(process, f"http://127.0.0.1:{port}/readyz", log)
    finally:
        process.kill()
        process.wait()
