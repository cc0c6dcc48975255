"""A server that speaks as much of the Hugging Face Hub's API as registries of models and datasets use."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


class FakeHub:
    """Repositories with branches and tags; the name of one of datasets begins with `datasets/`."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, str]] = {}
        """Of each repository its branches and tags, and the commit that each names."""
        self.trees: dict[str, tuple[str, str | None, Files]] = {}
        """Of each commit its title, its parent and its files."""
        self.objects: dict[str, bytes] = {}
        self.uploading = threading.Event()
        """Set when a large file begins to arrive."""
        self.may_store = threading.Event()
        """Cleared: large files arrive and are never stored."""
        self.may_store.set()
        self.url = ""

    def commits(self, repository: str, revision: str = "staging") -> list[str]:
        """Titles from the newest to the oldest."""
        commit: str | None = self.repositories[repository][revision]
        titles: list[str] = []
        while commit is not None:
            title, commit, _ = self.trees[commit]
            titles.append(title)
        return titles

    def files(self, repository: str, revision: str) -> Files:
        return self.trees[self.commit(repository, revision)][2]

    def commit(self, repository: str, revision: str) -> str:
        return self.repositories[repository].get(revision, revision)

    def add(self, title: str, parent: str | None, files: Files) -> str:
        commit = hashlib.sha1(f"{title}{parent}{sorted(files)}{len(self.trees)}".encode()).hexdigest()  # noqa: S324
        self.trees[commit] = (title, parent, files)
        return commit


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """The server on a free port."""
    hub = FakeHub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield hub
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._route("GET")

    def do_HEAD(self) -> None:
        self._route("GET")

    def do_POST(self) -> None:
        self._route("POST")

    def do_PUT(self) -> None:
        self._route("PUT")

    def do_DELETE(self) -> None:
        self._route("DELETE")

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""

    def _route(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path)
        for verb, pattern, handle in _ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                handle(self, *match.groups())
                return
        self._answer(404, {"error": f"no route {method} {path}"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts: list[bytes] = []
            while size := int(self.rfile.readline().strip(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def create(self) -> None:
        asked = json.loads(self._body())
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        name = f"datasets/{name}" if asked.get("type") == "dataset" else name
        if name in self.state.repositories:
            return self._answer(409, {"error": "exists", "url": f"{self.state.url}/{name}"})
        self.state.repositories[name] = {
            "main": self.state.add("initial commit", None, {".gitattributes": b""})
        }
        return self._answer(200, {"url": f"{self.state.url}/{name}"})

    def branch(self, name: str, branch: str) -> None:
        self._body()
        references = self.state.repositories[name]
        if branch in references:
            return self._answer(409, {"error": "exists"})
        references[branch] = references["main"]
        return self._answer(200)

    def commits(self, name: str, revision: str) -> None:
        if name not in self.state.repositories or revision not in self.state.repositories[name]:
            code = "RevisionNotFound" if name in self.state.repositories else "RepoNotFound"
            return self._answer(404, {"error": code}, {"X-Error-Code": code})
        found: list[dict[str, Any]] = []
        commit: str | None = self.state.commit(name, revision)
        while commit is not None:
            title, parent, _ = self.state.trees[commit]
            found.append(
                {
                    "id": commit,
                    "title": title,
                    "message": "",
                    "authors": [],
                    "date": "2026-05-01T12:00:00.000Z",
                }
            )
            commit = parent
        return self._answer(200, found)

    def yaml(self) -> None:
        self._body()
        self._answer(200, {"errors": [], "warnings": []})

    def preupload(self, name: str, revision: str) -> None:
        files = json.loads(self._body())["files"]
        large = (".safetensors", ".gguf", ".parquet")
        answer = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(large) else "regular",
                "shouldIgnore": False,
            }
            for file in files
        ]
        self._answer(200, {"files": answer})

    def batch(self, name: str) -> None:
        objects = []
        for entry in json.loads(self._body())["objects"]:
            upload = {"upload": {"href": f"{self.state.url}/lfs/{entry['oid']}"}}
            known = entry["oid"] in self.state.objects
            objects.append(
                {"oid": entry["oid"], "size": entry["size"]} | ({} if known else {"actions": upload})
            )
        self._answer(200, {"transfer": "basic", "objects": objects})

    def store(self, oid: str) -> None:
        body = self._body()
        self.state.uploading.set()
        self.state.may_store.wait()
        self.state.objects[oid] = body
        self._answer(200)

    def commit(self, name: str, revision: str) -> None:
        lines = [json.loads(line) for line in self._body().splitlines() if line]
        header = lines[0]["value"]
        parent = self.state.repositories[name][revision]
        if header.get("parentCommit") not in (None, parent):
            return self._answer(412, {"error": "the branch has moved on"})
        files = dict(self.state.trees[parent][2])
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.state.objects[value["oid"]]
            else:
                files.pop(value["path"])
        commit = self.state.add(header["summary"], parent, files)
        self.state.repositories[name][revision] = commit
        url = f"{self.state.url}/{name}/commit/{commit}"
        return self._answer(200, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})

    def tag(self, name: str, revision: str) -> None:
        references, tag = self.state.repositories[name], json.loads(self._body())["tag"]
        if tag in references:
            return self._answer(409, {"error": "exists"})
        references[tag] = self.state.commit(name, revision)
        return self._answer(200)

    def untag(self, name: str, tag: str) -> None:
        gone = self.state.repositories[name].pop(tag, None)
        self._answer(200 if gone else 404)

    def info(self, name: str, revision: str) -> None:
        commit = self.state.commit(name, revision)
        if commit not in self.state.trees:
            return self._answer(404, {"error": "RevisionNotFound"}, {"X-Error-Code": "RevisionNotFound"})
        siblings = [{"rfilename": path} for path in self.state.trees[commit][2]]
        return self._answer(200, {"id": name, "sha": commit, "siblings": siblings})

    def tree(self, name: str, revision: str) -> None:
        if self.state.commit(name, revision) not in self.state.trees:
            return self._answer(404, {"error": "RevisionNotFound"}, {"X-Error-Code": "RevisionNotFound"})
        files = self.state.files(name, revision)
        answer = [
            {"type": "file", "path": path, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}  # noqa: S324
            for path, body in files.items()
        ]
        return self._answer(200, answer)

    def resolve(self, name: str, revision: str, path: str) -> None:
        commit = self.state.commit(name, revision)
        body = self.state.trees[commit][2][path]
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        self._answer(200, body, {"X-Repo-Commit": commit, "ETag": etag, "Accept-Ranges": "none"})


_NAME, _REVISION = r"((?:datasets/)?[^/]+/[^/]+)", r"([^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.yaml),
    ("POST", rf"/api/(?:models/)?{_NAME}/branch/{_REVISION}", _Handler.branch),
    ("GET", rf"/api/(?:models/)?{_NAME}/commits/{_REVISION}", _Handler.commits),
    ("POST", rf"/api/(?:models/)?{_NAME}/preupload/{_REVISION}", _Handler.preupload),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/lfs/(\w+)", _Handler.store),
    ("POST", rf"/api/(?:models/)?{_NAME}/commit/{_REVISION}", _Handler.commit),
    ("POST", rf"/api/(?:models/)?{_NAME}/tag/{_REVISION}", _Handler.tag),
    ("DELETE", rf"/api/(?:models/)?{_NAME}/tag/{_REVISION}", _Handler.untag),
    ("GET", rf"/api/(?:models/)?{_NAME}/revision/{_REVISION}", _Handler.info),
    ("GET", rf"/api/(?:models/)?{_NAME}/tree/{_REVISION}", _Handler.tree),
    ("GET", rf"/{_NAME}/resolve/{_REVISION}/(.+)", _Handler.resolve),
)
