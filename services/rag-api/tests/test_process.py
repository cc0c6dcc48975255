"""The service as a process of its own, with every server away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from twin_local.ports import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    environment = os.environ | {
        "RAG_API_HTTP_PORT": str(port),
        "MONGODB_URL": "mongodb://127.0.0.1:1",
        "MONGODB_TIMEOUT_SECONDS": "0.5",
        "QDRANT_URL": "http://127.0.0.1:1",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "twin_rag_api"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and started.poll() is None:
        try:
            httpx.get(f"{url}/livez", trust_env=False)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    yield started, url
    started.kill()
    started.wait()


class TestServersAway:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_is_alive_says_what_is_missing_and_ends_cleanly(
        self, process: tuple[subprocess.Popen[bytes], str], number: signal.Signals
    ) -> None:
        started, url = process
        assert httpx.get(f"{url}/livez", trust_env=False).status_code == 200
        ready = httpx.get(f"{url}/readyz", trust_env=False, timeout=10)
        assert ready.status_code == 503
        assert "warehouse" in ready.json()["detail"]
        assert "vector index" in ready.json()["detail"]
        refused = httpx.get(
            f"{url}/v1/documents", headers={"Authorization": "Bearer twin_x"}, trust_env=False, timeout=10
        )
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        started.send_signal(number)
        output, _ = started.communicate(timeout=10)
        assert started.returncode == 0
        assert b"waiting for the warehouse" in output
        assert b"waiting for the vector index" in output
