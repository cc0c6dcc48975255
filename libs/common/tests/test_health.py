"""What an orchestrator and Prometheus see."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import Counter

from twin_common.health import HealthServer


class _Service:
    """A service whose state the test decides."""

    def __init__(self) -> None:
        self.missing: str | None = None
        self.stuck: str | None = None


@pytest.fixture
def service() -> _Service:
    return _Service()


@pytest.fixture
def http(service: _Service) -> Iterator[httpx.Client]:
    server = HealthServer("127.0.0.1", 0, ready=lambda: service.missing, live=lambda: service.stuck)
    with server, httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client


class TestProbes:
    def test_all_is_well(self, http: httpx.Client) -> None:
        assert [http.get(path).status_code for path in ("/livez", "/readyz", "/readyz?verbose")] == [200] * 3

    def test_a_service_may_say_which_part_it_plays(self) -> None:
        with HealthServer("127.0.0.1", 0, ready=lambda: None, state=lambda: "standby") as server:
            answer = httpx.get(f"http://127.0.0.1:{server.port}/readyz")
        assert (answer.status_code, answer.text) == (200, "standby\n")

    def test_what_is_missing_is_said_in_a_sentence(self, http: httpx.Client, service: _Service) -> None:
        service.missing = "waiting for Kafka at 127.0.0.1:9092"
        answer = http.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "waiting for Kafka at 127.0.0.1:9092\n")
        assert http.get("/livez").status_code == 200
        service.missing = None
        assert http.get("/readyz").status_code == 200

    def test_a_stuck_loop_is_not_alive(self, http: httpx.Client, service: _Service) -> None:
        service.stuck = "no progress for 60 s"
        assert http.get("/livez").status_code == 503

    def test_a_probe_that_breaks_is_no_success(self, service: _Service) -> None:
        def broken() -> str | None:
            raise RuntimeError("hunter2")

        with HealthServer("127.0.0.1", 0, ready=broken) as server:
            answer = httpx.get(f"http://127.0.0.1:{server.port}/readyz")
        assert answer.status_code == 503
        assert "RuntimeError" in answer.text and "hunter2" not in answer.text

    @pytest.mark.parametrize("path", ["/", "/healthz", "/metrics/x", "/../etc/passwd"])
    def test_other_paths_are_not_found(self, http: httpx.Client, path: str) -> None:
        assert http.get(path).status_code == 404


class TestMetrics:
    def test_are_those_of_the_process_in_prometheus_format(self, http: httpx.Client) -> None:
        counter = Counter("twin_test_health_requests", "Requests that this test counted")
        counter.inc(3)
        answer = http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert "twin_test_health_requests_total 3.0" in answer.text


class TestServer:
    def test_the_port_is_free_again_after_the_block(self) -> None:
        with HealthServer("127.0.0.1", 0, ready=lambda: None) as first:
            port = first.port
        with HealthServer("127.0.0.1", port, ready=lambda: None) as second:
            assert second.port == port
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/livez")
