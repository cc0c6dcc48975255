"""SecantusDB: the MongoDB wire protocol over WiredTiger, as a process of its own.

It is GPL-2.0, so it is only ever started, never imported.
"""

import sys
from pathlib import Path

from twin_local.errors import PlatformError


def command(host: str, port: int, storage: Path) -> list[str]:
    """How it is started so that an acknowledged write survives a kill.

    Raises:
        PlatformError: it is not installed.
    """
    program = Path(sys.executable).with_name("secantusd-py")
    if not program.exists():
        raise PlatformError("the local warehouse is not installed: set MONGODB_URL, or twin-local[mongodb]")
    return [
        str(program),
        "--host",
        host,
        "--port",
        str(port),
        "--storage-path",
        str(storage),
        # Without it about five acknowledged writes are lost a kill, and a saved token then skips events.
        "--sync-on-commit",
        # Heartbeats keep the resume token of an idle stream young.
        "--noop-heartbeat-seconds",
        "10",
        "--oplog-retention-seconds",
        "604800",
    ]


def url(host: str, port: int) -> str:
    """The connection string of a server started by `command`."""
    return f"mongodb://{host}:{port}/?directConnection=true"
