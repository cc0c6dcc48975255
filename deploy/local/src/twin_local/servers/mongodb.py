"""SecantusDB: the MongoDB wire protocol over WiredTiger, as a process of its own.

It is GPL-2.0, so it is only ever started, never imported.
"""

import sys
from pathlib import Path

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from twin_local.errors import PlatformError
from twin_local.processes import Probe

_INTERNAL_ERROR = 1
_ANSWER_MS = 5000


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


def broken_probe(url: str) -> Probe:
    """Says when the server answers, but its storage engine has given up: so it does after a full disk.

    MongoDB itself ends in this state; this server goes on and refuses everything until it is started again.
    """

    async def probe() -> str | None:
        client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
            url, serverSelectionTimeoutMS=_ANSWER_MS, socketTimeoutMS=_ANSWER_MS
        )
        try:
            await client["twin"].list_collection_names()
        except OperationFailure as error:
            return (
                f"the warehouse cannot read its files: {error}"[:300]
                if error.code == _INTERNAL_ERROR
                else None
            )
        except PyMongoError:
            return None
        finally:
            await client.close()
        return None

    return probe
