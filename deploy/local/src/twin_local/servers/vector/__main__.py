"""`python -m twin_local.servers.vector --host 127.0.0.1 --port 6333 --storage-path DIR`."""

import argparse
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from .app import create_app
from .catalog import Catalog

_SECONDS_FOR_OPEN_REQUESTS = 5


@contextmanager
def _only_owner(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the operating system drops however this process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            sys.exit(
                f"{folder} is in use by another vector server (process {lock.read().strip()}): "
                f"stop that one, or choose another --storage-path"
            )
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        sys.exit(
            f"cannot listen on {host}:{port} ({error.strerror}): stop what uses it, or choose another --port"
        )
    return listener


def main() -> None:
    """Serve until SIGTERM or SIGINT, then flush and exit with 0."""
    parser = argparse.ArgumentParser(prog="python -m twin_local.servers.vector", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (there is no authentication)"
    )
    parser.add_argument("--port", type=int, default=6333)
    parser.add_argument("--storage-path", type=Path, required=True, help="folder that holds all collections")
    arguments = parser.parse_args()

    # uvicorn raises the signal that stopped it once more when it is done: it then means a clean end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    with _only_owner(arguments.storage_path):
        listener = _listen(arguments.host, arguments.port)
        try:
            catalog = Catalog(arguments.storage_path)
        except RuntimeError as error:
            sys.exit(str(error))
        config = uvicorn.Config(
            create_app(catalog),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_SECONDS_FOR_OPEN_REQUESTS,
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
