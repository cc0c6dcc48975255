"""A server that speaks as Text Embeddings Inference does, over any encoder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from twin_common.embedding import Embedder


@dataclass
class FakeServer:
    """What it serves, and how it is to misbehave."""

    embedder: Embedder
    texts_a_request: int = 32
    statuses: list[int] = field(default_factory=list)
    """Answers with these first, one a request."""
    requests: list[tuple[str, int]] = field(default_factory=list)
    """The routes that were asked, and for how many texts."""

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, object]:
        """The status and the JSON for a request."""
        texts = body.get("inputs", [])
        self.requests.append((path, len(texts)))
        if self.statuses and (status := self.statuses.pop(0)) != HTTPStatus.OK:
            return status, {"error": "Model is overloaded", "error_type": "overloaded"}
        if path == "/info":
            return HTTPStatus.OK, {
                "model_id": self.embedder.model_name,
                "max_input_length": self.embedder.max_tokens,
                "max_client_batch_size": self.texts_a_request,
            }
        if len(texts) > self.texts_a_request or not all(texts):
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"error": "batch or input", "error_type": "Validation"}
        return HTTPStatus.OK, self._rows(path, texts)

    def _rows(self, path: str, texts: list[str]) -> list[object]:
        if path == "/tokenize":
            return [[{"id": place} for place in range(count)] for count in self.embedder.count_tokens(texts)]
        if path == "/embed_all":
            frame = [[0.0] * self.embedder.dimensions]  # its special tokens
            return [frame + words.tolist() + frame for words in self.embedder.embed_with_words(texts).words]
        rows: list[object] = self.embedder.embed(texts).tolist()
        return rows


@contextmanager
def serving(server: FakeServer) -> Iterator[str]:
    """Its address, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send({})

        def do_POST(self) -> None:
            self._send(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _send(self, body: dict[str, Any]) -> None:
            status, answer = server.answer(self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
