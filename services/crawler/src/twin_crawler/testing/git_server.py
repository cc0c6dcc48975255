"""Git repositories over smart HTTP on loopback: git's own `http-backend` behind a small server.

What the server hands to `http-backend`, and how it takes its answer, is CGI (RFC 3875) as
`git help http-backend` describes it.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

Content = bytes | tuple[str, bytes]
"""What a file holds; with a mode before it, what a symbolic link or a submodule points to."""


@dataclass
class GitServer:
    """Bare repositories in a folder, and who asked for what."""

    folder: Path
    port: int = 0
    requests: list[str] = field(default_factory=list)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    """Answers to paths that begin so, instead of git's."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def fetches(self) -> int:
        """How often somebody fetched objects, not only asked where a branch stands."""
        return sum(request.startswith("POST") and request.endswith("pack") for request in self.requests)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git on a bare repository of a test."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, input=stdin, env=environment, check=True, capture_output=True).stdout


def create_repository(folder: Path, branch: str = "main") -> Path:
    """An empty bare repository that answers filters as large hosts do."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", f"--initial-branch={branch}")
    git(folder, "config", "uploadpack.allowFilter", "true")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


def commit(folder: Path, files: Mapping[bytes, Content], branch: str = "main") -> str:
    """Make these files the whole content of a branch, by a commit upon the one before; its name."""
    stream = [b"commit refs/heads/%s\ncommitter Ada <ada@example.org> 1714986000 +0000\n" % branch.encode()]
    stream.append(b"data 5\nwords\n")
    if git(folder, "for-each-ref", f"refs/heads/{branch}"):
        stream.append(b"from refs/heads/%s^0\n" % branch.encode())
    stream.append(b"deleteall\n")
    for path, content in files.items():
        mode, data = content if isinstance(content, tuple) else ("100644", content)
        name = b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
        if mode == "160000":
            stream.append(b"M 160000 %s %s\n" % (data, name))
        else:
            stream.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(data), data))
    git(folder, "fast-import", "--quiet", "--force", stdin=b"".join(stream))
    return git(folder, "rev-parse", f"refs/heads/{branch}").decode().strip()


@contextmanager
def serve_repositories(folder: Path) -> Iterator[GitServer]:
    """Serve the bare repositories below a folder while the block lasts."""
    state = GitServer(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            state.requests.append(f"{self.command} {self.path}")
            for prefix, answer in state.answers.items():
                if self.path.startswith(prefix):
                    answer(self)
                    return
            length = int(self.headers.get("Content-Length") or 0)
            output = _http_backend(folder, self, self.rfile.read(length))
            head, _, body = output.partition(b"\r\n\r\n")
            fields = [line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line]
            status = next((value for name, value in fields if name == "Status"), "200 OK")
            self.send_response(int(status.split()[0]))
            for name, value in fields:
                if name != "Status":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The tests look at `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients break off in tests
    state.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _http_backend(folder: Path, request: BaseHTTPRequestHandler, body: bytes) -> bytes:
    parts = urlsplit(request.path)
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
    }
    command = ["git", "http-backend"]
    return subprocess.run(command, input=body, env=environment, check=False, capture_output=True).stdout
