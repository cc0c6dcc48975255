"""`make up` as a user runs it: one platform for all tests of this folder, started by the command itself."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from twin_local.ports import free_port

REPOSITORY = Path(__file__).parents[2]
SITE = "127.0.0.1:8099"
TWIN = str(Path(sys.executable).with_name("twin"))

_START_SECONDS = 120


@dataclass(frozen=True)
class RunningTwin:
    """A platform in its own process, and the commands that speak to it."""

    process: subprocess.Popen[str]
    home: Path
    port: int
    first_words: str
    """What it printed until it was ready."""

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TWIN_HOME": str(self.home), "COLUMNS": "200"}

    def twin(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command; its output is in the answer."""
        done = subprocess.run(
            [TWIN, *arguments],
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert not check or done.returncode == 0, f"twin {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done


def start(home: Path, port: int, **environment: str) -> RunningTwin:
    """Run `twin up` until it prints that it is ready."""
    process = subprocess.Popen(
        [TWIN, "up", "--port", str(port)],
        env=os.environ | {"TWIN_HOME": str(home), "COLUMNS": "200"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    words: list[str] = []
    deadline = time.monotonic() + _START_SECONDS
    for line in process.stdout:
        words.append(line)
        if "Ctrl-C" in line:
            return RunningTwin(process, home, port, "".join(words))
        if time.monotonic() > deadline:
            break
    process.kill()
    raise AssertionError(f"twin up did not get ready: {''.join(words)}")


def stop(running: RunningTwin, how: signal.Signals = signal.SIGINT) -> int:
    """Ask it to end; its exit code."""
    running.process.send_signal(how)
    code = running.process.wait(60)
    assert running.process.stdout is not None
    running.process.stdout.close()
    return code


@pytest.fixture(scope="module")
def sample_site() -> Iterator[str]:
    """The sample blog at its fixed address; given back afterwards, since the demo serves it there too."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    host, port = SITE.split(":")
    server = ThreadingHTTPServer(
        (host, int(port)), partial(Quiet, directory=str(REPOSITORY / "samples/site"))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{SITE}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTwin]:
    """A platform that may crawl the sample blog."""
    twin = start(
        tmp_path_factory.mktemp("home"),
        free_port(),
        CRAWLER_TRUSTED_ENDPOINTS=SITE,
        CRAWLER_DOWNLOAD_DELAY_SECONDS="0.05",
    )
    yield twin
    if twin.process.poll() is None:
        assert stop(twin) == 0


def key_in(words: str) -> str:
    """The key in the link that signs in."""
    found = re.search(r"#key=(\S+)", words)
    assert found is not None, words
    return found.group(1)
