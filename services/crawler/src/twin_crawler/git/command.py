"""Runs the git command so that neither a server nor a repository can make it do anything but read.

No configuration of the user or the system, no hooks, filters, submodules, prompts, credentials, proxies or
redirects; only https, and http for endpoints that the operator vouches for. The operating system bounds what
a run may write, its memory and its time.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

_MEMORY_BYTES = 2 * 1024**3
"""Address space of one git process: a pack is mapped whole, and an honest one is smaller than its limit."""

_ERROR_CHARACTERS = 300
_BLOCK = 512
"""Bytes, in which `ulimit -f` counts; `-v` counts in 1024."""

# Not every system knows `-v`.
_LIMITED = (
    'ulimit -c 0 && ulimit -f "$1" && ulimit -t "$3" && { ulimit -v "$2" 2>/dev/null || :; };'
    ' shift 3; exec "$@"'
)

_CONFIGURATION = (
    "core.askPass=",
    "core.attributesFile=/dev/null",
    "core.bigFileThreshold=1m",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "credential.helper=",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1",  # one pack, so that the limit of one file is the limit of all
    "gc.auto=0",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "http.proxy=",
    "http.sslVerify=true",
    "maintenance.auto=false",
    "pack.threads=1",
    "protocol.version=2",
)


class GitError(Exception):
    """git did not do what it was asked; the text is the end of what it said."""


class GitLimitReached(GitError):
    """git was ended because it wrote more, or took longer, than it may."""


@dataclass(frozen=True)
class Git:
    """The git command with a scratch folder: its home, the place of its output and of one repository."""

    folder: Path
    most_bytes: int
    """The largest file that git may write: a pack, or a listing."""
    seconds: float
    """How long one command may take."""
    options: tuple[str, ...] = ()
    """Further `-c` settings: where a host's vetted addresses are, and what the crawler calls itself."""
    protocols: str = ""
    """Which transports are allowed, apart by colons; empty for commands that only read the disk."""

    @property
    def repository(self) -> Path:
        return self.folder / "repository.git"

    def run(self, *arguments: str, most_output_bytes: int | None = None) -> bytes:
        """Run a command and return what it wrote to standard output.

        Args:
            arguments: the command.
            most_output_bytes: the largest output, where that is less than `most_bytes`.

        Raises:
            GitError: it failed.
            GitLimitReached: it was ended for its output, its memory or its time.
        """
        most_bytes = min(self.most_bytes, most_output_bytes or self.most_bytes)
        output, errors = self.folder / "output", self.folder / "errors"
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                self._command(arguments, most_bytes),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._environment,
                cwd=self.folder,
                start_new_session=True,
            )
            try:
                code = process.wait(self.seconds)
            except subprocess.TimeoutExpired as error:
                raise GitLimitReached(f"git took longer than {self.seconds:g} seconds") from error
            finally:
                _end(process)
        if code != 0:
            self._refuse(code, errors, most_bytes)
        return output.read_bytes()

    @contextmanager
    def reading(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that answers what is written to it; ended with the block."""
        with (self.folder / "errors").open("wb") as err:
            process = subprocess.Popen(
                self._command(arguments, self.most_bytes),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                env=self._environment,
                cwd=self.folder,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                _end(process)

    def _command(self, arguments: Sequence[str], most_bytes: int) -> list[str]:
        settings = [part for setting in (*_CONFIGURATION, *self.options) for part in ("-c", setting)]
        limits = (str(most_bytes // _BLOCK), str(_MEMORY_BYTES // 1024), str(ceil(self.seconds)))
        return ["/bin/sh", "-c", _LIMITED, "sh", *limits, _git(), *settings, *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LC_ALL": "C",
            "GIT_ALLOW_PROTOCOL": self.protocols,
            "GIT_ASKPASS": "",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(self.folder),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def _wrote_too_much(self, code: int, most_bytes: int) -> bool:
        """Whether a file stands at its limit: git seldom says which of its children was ended, and why."""
        if code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
            return True
        limit = most_bytes // _BLOCK * _BLOCK
        written = [self.folder / "output", *self.repository.glob("objects/pack/tmp_*")]
        return any(path.stat().st_size >= limit for path in written)

    def _refuse(self, code: int, errors: Path, most_bytes: int) -> None:
        with errors.open("rb") as file:
            file.seek(max(0, errors.stat().st_size - 4096))
            said = file.read().decode("utf-8", "replace").strip()
        if self._wrote_too_much(code, most_bytes):
            raise GitLimitReached(f"git wrote more than {most_bytes // 1024**2} MiB")
        if "out of memory" in said.lower():
            raise GitLimitReached("git needed more memory than it may have")
        raise GitError(said[-_ERROR_CHARACTERS:] or f"git ended with exit code {code}")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder that is gone at the end of the block."""
    with TemporaryDirectory(prefix="twin-git-") as folder:
        yield Path(folder)


def is_installed() -> bool:
    """Whether there is a git command at all."""
    return shutil.which("git") is not None


def _git() -> str:
    return shutil.which("git") or "git"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all its children, and let go of its pipes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
