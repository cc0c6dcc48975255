"""The three addresses that an orchestrator and Prometheus ask of a service that has no web server."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger(__name__)

Probe = Callable[[], str | None]
"""Returns None when all is well, else a sentence that says what is missing."""


_POLL_SECONDS = 0.1  # how soon it notices that it shall end


class HealthServer:
    """Serves `/livez`, `/readyz` and `/metrics` from a thread of its own, so that a busy loop cannot hide."""

    def __init__(
        self,
        host: str,
        port: int,
        ready: Probe,
        live: Probe = lambda: None,
        state: Callable[[], str] = lambda: "ok",
    ) -> None:
        """Args: `state` is what a probe answers when all is well, such as the part this copy plays."""
        probes = {"/livez": live, "/readyz": ready}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?", 1)[0]
                if path == "/metrics":
                    return self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
                if path not in probes:
                    return self._answer(404, b"not found\n")
                problem = _ask(probes[path])
                if problem:
                    return self._answer(503, f"{problem}\n".encode())
                return self._answer(200, f"{state()}\n".encode())

            def _answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """A probe every few seconds is no news."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="health", daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on, also when it was asked for any free one (0)."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _ask(probe: Probe) -> str | None:
    try:
        return probe()
    except Exception as error:  # a probe that breaks is a reason to say no, whatever broke
        log.exception("a health probe failed")
        return f"the probe itself failed: {type(error).__name__}"
