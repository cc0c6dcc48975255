"""The one folder in which the local platform keeps everything (`TWIN_HOME`)."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twin_common.identity import AuthorId
from twin_local.errors import PlatformError
from twin_local.files import write_atomically


@dataclass(frozen=True)
class PlatformRecord:
    """What a running platform tells other `twin` commands on this machine."""

    pid: int
    environment: dict[str, str]
    """The variables under which the services run."""


@dataclass(frozen=True)
class TwinHome:
    """Paths below one folder, and the small files in it."""

    path: Path

    @classmethod
    def default(cls) -> "TwinHome":
        """`TWIN_HOME`, or `.twin` in the current folder."""
        return cls(Path(os.environ.get("TWIN_HOME", ".twin")).absolute())

    @property
    def mongodb(self) -> Path:
        return self.path / "mongodb"

    @property
    def vector(self) -> Path:
        return self.path / "vector"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """What is only true of the platform that runs now."""
        return self.path / "run"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one platform.

        Raises:
            PlatformError: another platform holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                raise PlatformError(
                    f"a platform already runs on {self.path} (process {lock.read().strip() or 'unknown'}); "
                    "stop it with Ctrl-C where it runs, or choose another folder: TWIN_HOME=DIR make up"
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def save_record(self, record: PlatformRecord) -> None:
        """Tell other commands how to reach this platform."""
        text = json.dumps({"pid": record.pid, "environment": record.environment}, indent=2)
        write_atomically(self.run / "platform.json", text, mode=0o600)

    def clear_record(self) -> None:
        """The platform is gone."""
        (self.run / "platform.json").unlink(missing_ok=True)

    def record(self) -> PlatformRecord | None:
        """The platform that runs on this folder, or None."""
        try:
            record = PlatformRecord(**json.loads((self.run / "platform.json").read_text()))
            os.kill(record.pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        except PermissionError:
            pass
        return record

    def api_keys(self) -> dict[AuthorId, str]:
        """The API keys that this machine holds, by author."""
        try:
            return {AuthorId(name): key for name, key in json.loads(self._key_file.read_text()).items()}
        except FileNotFoundError:
            return {}

    def save_key(self, author_id: AuthorId, key: str) -> None:
        """Keep an author's key, readable by this user alone."""
        write_atomically(self._key_file, json.dumps(self.api_keys() | {author_id: key}, indent=2), mode=0o600)

    def forget_key(self, author_id: AuthorId) -> None:
        """Hold no key of this author any more."""
        keys = {name: key for name, key in self.api_keys().items() if name != author_id}
        write_atomically(self._key_file, json.dumps(keys, indent=2), mode=0o600)

    @property
    def registry(self) -> Path:
        """Datasets and models that were made here."""
        return self.path / "registry"

    @property
    def _key_file(self) -> Path:
        return self.path / "keys.json"
