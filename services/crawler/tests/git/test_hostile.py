"""Repositories and servers made to harm: nothing runs, nothing outside is read, everything is bounded.

A canary is a file that a hook, a filter or a program would create, or whose content a link would show.
"""

import os
import socket
import threading
import time
import zlib
from dataclasses import dataclass
from hashlib import sha1
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_crawler.git.command import Git, GitError, scratch_folder
from twin_crawler.git.remote import vetted_options
from twin_crawler.git.repository import RepositoryLimits
from twin_crawler.testing.git_server import GitServer, commit, git

pytestmark = pytest.mark.integration

SECRET = "the canary sings"
CODE = b"def read():\n    return []\n"


@dataclass(frozen=True)
class Canary:
    """A file that only a foreign command would create."""

    path: Path

    @property
    def sang(self) -> bool:
        return self.path.exists()


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Canary:
    """A file that nothing may create, and a home whose settings nothing may read."""
    marker = tmp_path / "canary"
    home = tmp_path / "home"
    home.mkdir()
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\necho sung >> {marker}\ncat\n")
    evil.chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {tmp_path}\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n"
        f'[credential]\n\thelper = !{evil}\n[filter "x"]\n\tsmudge = {evil}\n\tprocess = {evil}\n'
        f'[url "file:///"]\n\tinsteadOf = "http://127.0.0.1:"\n[uploadpack]\n\tpackObjectsHook = {evil}\n'
    )
    (tmp_path / "reference-transaction").write_text(evil.read_text())
    (tmp_path / "reference-transaction").chmod(0o755)
    for name, value in (
        ("HOME", home),
        ("XDG_CONFIG_HOME", home),
        ("GIT_ASKPASS", evil),
        ("SSH_ASKPASS", evil),
        ("GIT_SSH_COMMAND", evil),
        ("GIT_PROXY_COMMAND", evil),
        ("GIT_TEMPLATE_DIR", tmp_path),
        ("http_proxy", "http://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
    ):
        monkeypatch.setenv(name, str(value))
    return Canary(marker)


class TestContents:
    async def test_links_submodules_filters_hooks_and_pointers(
        self, tmp_path: Path, repository: Path, follower: Any, canary: Canary
    ) -> None:
        secret = tmp_path / "secret.py"
        secret.write_text(f"# {SECRET}\n")
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
        commit(
            repository,
            {
                b"good.py": CODE,
                b"absolute.py": ("120000", str(secret).encode()),
                b"upward.md": ("120000", b"../../../../../../secret.py"),
                b"folder": ("120000", b"/etc"),
                b"module": ("160000", b"1" * 40),
                b".gitmodules": b'[submodule "module"]\n\tpath = module\n\turl = ext::sh -c touch% /tmp/x\n',
                b".gitattributes": b"* filter=x diff=x merge=x text eol=crlf working-tree-encoding=UTF-16\n",
                b".lfsconfig": b"[lfs]\n\turl = http://169.254.169.254/\n",
                b"large.py": pointer,
                b"model.txt": pointer,
                b"hooks/post-checkout": b"#!/bin/sh\ntouch canary\n",
            },
        )
        await follower.follow()
        assert follower.paths == {
            "good.py": CODE.decode(),
            "hooks/post-checkout": "#!/bin/sh\ntouch canary\n",
        } | {".lfsconfig": "[lfs]\n\turl = http://169.254.169.254/\n"}
        assert SECRET not in str(follower.documents)
        assert follower.failures == []
        assert not canary.sang

    async def test_odd_names_are_addresses_like_others(self, repository: Path, follower: Any) -> None:
        names = [
            b"new\nline.py",
            b'quo"te.py',
            b"back\\slash.py",
            b"sp ace%20.py",
            b"-rf.py",
            b"--output=x.py",
            b"question?.py",
            b"hash#.py",
            b"semi;colon&.py",
            b"$(touch canary).py",
            b"n\xc3\xa4me.py",
            b"latin-\xe4.py",
            b"tab\t.py",
            b"C:\\con.py",
            b"a" * 200 + b".py",
        ]
        commit(repository, dict.fromkeys(names, CODE))
        await follower.follow()
        assert follower.failures == []
        assert len({file.url for file in follower.documents.values()}) == len(names)
        assert all("\n" not in file.url and " " not in file.url for file in follower.documents.values())
        await follower.follow()
        assert len(follower.documents) == len(names)

    async def test_names_that_mean_another_place_are_no_documents(
        self, repository: Path, follower: Any
    ) -> None:
        blob = write_object(repository, "blob", CODE)
        inner = write_object(repository, "tree", entry("100644", b"passwd.py", blob))
        names = [b"..", b".", b".git", b".GIT", b"good"]
        tree = write_object(repository, "tree", b"".join(entry("40000", name, inner) for name in names))
        commit_tree(repository, tree)
        await follower.follow()
        assert set(follower.paths) == {"good/passwd.py"}

    async def test_alternates_of_the_server_stay_on_the_server(
        self, tmp_path: Path, repository: Path, follower: Any
    ) -> None:
        commit(repository, {b"good.py": CODE})
        (repository / "objects" / "info" / "alternates").write_text(f"{tmp_path}/elsewhere\n")
        await follower.follow()
        assert set(follower.paths) == {"good.py"}

    async def test_a_tree_of_ten_to_the_tenth_files_out_of_a_dozen_objects(
        self, repository: Path, follower: Any
    ) -> None:
        blob = write_object(repository, "blob", CODE)
        tree = write_object(
            repository, "tree", b"".join(entry("100644", b"f%d.py" % n, blob) for n in range(10))
        )
        for _ in range(9):
            tree = write_object(
                repository, "tree", b"".join(entry("40000", b"d%d" % n, tree) for n in range(10))
            )
        commit_tree(repository, tree)
        await follower.follow(RepositoryLimits(pack_bytes=8 * 1024**2))
        assert follower.documents == {}
        assert follower.reasons == ["repository_too_large"]

    async def test_a_huge_blob_and_a_bomb_of_one(self, repository: Path, follower: Any) -> None:
        commit(
            repository, {b"good.py": CODE, b"bomb.py": b"#" * 50_000_000, b"noise.py": os.urandom(3_000_000)}
        )
        await follower.follow(RepositoryLimits(pack_bytes=1024**2))
        assert set(follower.paths) == {"good.py"}
        assert follower.reasons == ["repository_limits"]

    async def test_a_server_that_ignores_the_filter_is_cut_off(self, repository: Path, follower: Any) -> None:
        git(repository, "config", "uploadpack.allowFilter", "false")
        commit(repository, {b"good.py": CODE, b"noise.py": os.urandom(3_000_000)})
        await follower.follow(RepositoryLimits(pack_bytes=1024**2))
        assert follower.documents == {}
        assert follower.reasons == ["repository_too_large"], follower.failures
        await follower.follow(RepositoryLimits())
        assert set(follower.paths) == {"good.py"}

    async def test_of_a_repository_that_is_too_large_the_small_files_are_read(
        self, repository: Path, follower: Any
    ) -> None:
        large = {b"large%d.py" % number: os.urandom(100_000) for number in range(30)}
        commit(repository, large | {b"good.py": CODE})
        await follower.follow(RepositoryLimits(pack_bytes=1024**2))
        assert set(follower.paths) == {"good.py"}
        assert follower.reasons == ["repository_limits"]
        assert "30 files were left out" in follower.failures[0].detail

    async def test_thousands_of_files(self, repository: Path, follower: Any) -> None:
        commit(repository, {b"d%d/f%d.py" % (n % 50, n): b"x = %d\n" % n for n in range(4000)})
        await follower.follow(RepositoryLimits(files=3000))
        assert len(follower.documents) == 3000
        assert follower.reasons == ["repository_limits"]


class TestServers:
    @pytest.mark.parametrize(
        "place",
        ["http://169.254.169.254/latest/", "http://localhost:1/x", "file:///etc/passwd", "ext::sh -c id"],
    )
    async def test_a_redirect_is_not_followed_by_git(
        self, server: GitServer, follower: Any, place: str
    ) -> None:
        def redirect(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", place)
            request.end_headers()

        server.answers["/ada/"] = redirect
        await follower.follow()
        assert follower.reasons == ["git_failed"]
        assert len(server.requests) == 1

    async def test_a_redirect_between_the_question_and_the_fetch_reaches_nobody(
        self, server: GitServer, repository: Path, follower: Any
    ) -> None:
        commit(repository, {b"good.py": CODE})
        with socket.create_server(("127.0.0.1", 0)) as trap:
            place = f"http://127.0.0.1:{trap.getsockname()[1]}/ada/notes.git/git-upload-pack"

            def redirect(request: BaseHTTPRequestHandler) -> None:
                request.send_response(307)
                request.send_header("Location", place)
                request.end_headers()

            server.answers["/ada/notes.git/git-upload-pack"] = redirect
            await follower.follow()
            assert follower.documents == {}
            trap.settimeout(0.2)
            with pytest.raises(TimeoutError):
                trap.accept()

    @pytest.mark.parametrize("drip", [b"", b"0000", b"x" * 4096])
    async def test_a_server_that_never_ends(self, server: GitServer, follower: Any, drip: bytes) -> None:
        ended = threading.Event()

        def hang(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            request.end_headers()
            request.wfile.write(b"001e# service=git-upload-pack\n0000")
            while not ended.is_set():
                request.wfile.write(drip)
                request.wfile.flush()
                time.sleep(0.05)

        server.answers["/ada/"] = hang
        try:
            await follower.follow(RepositoryLimits(seconds=2))
        finally:
            ended.set()
        assert follower.reasons in (["repository_too_large"], ["git_failed"])

    @pytest.mark.parametrize(
        "body", [b"", b"<html>Sign in</html>", b"001e# service=git-upload-pack\n0000ffff", b"\0" * 100]
    )
    async def test_a_server_that_speaks_no_git(self, server: GitServer, follower: Any, body: bytes) -> None:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        server.answers["/ada/"] = answer
        await follower.follow()
        assert follower.reasons[0] in ("git_failed", "repository_missing", "empty_repository")

    async def test_a_wall_asks_for_no_password(
        self, server: GitServer, follower: Any, canary: Canary
    ) -> None:
        def refuse(request: BaseHTTPRequestHandler) -> None:
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="x"')
            request.end_headers()

        server.answers["/ada/"] = refuse
        await follower.follow()
        assert follower.reasons == ["repository_missing"]
        assert not canary.sang


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "http://git.example.org/a.git",
            "https://127.0.0.1/a.git",
            "https://169.254.169.254/a.git",
            "https://[::1]/a.git",
            "https://localhost/a.git",
            "https://user@git.example.org/a.git",
            "https://git.example.org:22/a.git",
            "ssh://git@github.com/a/b.git",
            "git://github.com/a/b.git",
            "file:///etc/a.git",
            "ext::sh -c id",
            "--upload-pack=touch",
        ],
    )
    async def test_forbidden_links_start_no_git(
        self, follower: Any, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        def run(*_: object, **__: object) -> None:
            raise AssertionError("git was started")

        monkeypatch.setattr("twin_crawler.git.command.Git.run", run)
        follower.repository = type(follower.repository)(url, "https://git.example.org/a")
        await follower.follow()
        assert follower.reasons[0].startswith("forbidden_")

    async def test_a_name_is_resolved_once_and_git_connects_to_that_answer(
        self, server: GitServer, repository: Path, follower: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(repository, {b"good.py": CODE})
        asked: list[str] = []

        def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        monkeypatch.setattr("twin_crawler.git.remote.resolve", resolve)
        endpoint = f"rebinding.invalid:{server.port}"
        follower.guard = LinkGuard(LinkPolicy(trusted_endpoints=frozenset((endpoint,))))
        follower.repository = type(follower.repository)(
            f"http://{endpoint}/ada/notes.git", "https://git.example.org/ada/notes"
        )
        await follower.follow()
        assert set(follower.paths) == {"good.py"}
        assert asked == ["rebinding.invalid"]

    def test_a_name_that_also_points_inside_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "twin_crawler.git.remote.resolve", lambda host, port: ["93.184.216.34", "10.0.0.1"]
        )
        with pytest.raises(Exception, match="not public"):
            vetted_options(LinkGuard(), "https://git.example.org/a.git")

    def test_every_address_reaches_git_in_libcurls_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        addresses = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
        monkeypatch.setattr("twin_crawler.git.remote.resolve", lambda host, port: addresses)
        options, protocol = vetted_options(LinkGuard(), "https://git.example.org/a.git")
        assert options == (
            "http.curloptResolve=git.example.org:443:93.184.216.34,[2606:2800:220:1:248:1893:25c8:1946]",
        )
        assert protocol == "https"


class TestCommand:
    def test_other_transports_are_not_spoken(self, tmp_path: Path, repository: Path, canary: Canary) -> None:
        commit(repository, {b"good.py": CODE})
        with scratch_folder() as folder:
            git_command = Git(folder, 1024**2, 20, protocols="https")
            for url in (f"file://{repository}", f"ext::sh -c touch% {canary.path}", "ssh://git@127.0.0.1/x"):
                with pytest.raises(GitError, match="not allowed"):
                    git_command.run("ls-remote", "--", url)
        assert not canary.sang

    def test_its_environment_holds_no_word_of_ours(
        self, monkeypatch: pytest.MonkeyPatch, canary: Canary
    ) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", SECRET)
        with scratch_folder() as folder:
            said = Git(folder, 1024**2, 20).run("-c", "alias.show-me=!env", "show-me")
        assert SECRET.encode() not in said
        assert b"127.0.0.1:9" not in said


def entry(mode: str, name: bytes, object_name: str) -> bytes:
    return f"{mode} ".encode() + name + b"\0" + bytes.fromhex(object_name)


def write_object(repository: Path, kind: str, content: bytes) -> str:
    """Write an object as it is, which git's own commands would refuse for some trees."""
    whole = f"{kind} {len(content)}".encode() + b"\0" + content
    name = sha1(whole, usedforsecurity=False).hexdigest()
    path = repository / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole))
    return name


def commit_tree(repository: Path, tree: str) -> None:
    lines = f"tree {tree}\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n\nwords\n"
    name = write_object(repository, "commit", lines.encode())
    git(repository, "update-ref", "refs/heads/main", name)
