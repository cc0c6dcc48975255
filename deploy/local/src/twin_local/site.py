"""A folder served over HTTP on the loopback, as a small blog's web server would."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from twin_local.errors import PlatformError
from twin_local.ports import holder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """What was fetched is in the crawl's report."""


@asynccontextmanager
async def serve_site(folder: Path, host: str, port: int) -> AsyncIterator[None]:
    """Serve `folder` until the context ends; answers Last-Modified and conditional requests.

    Raises:
        PlatformError: the port is taken.
    """
    try:
        server = ThreadingHTTPServer((host, port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise PlatformError(
            f"port {port}, the sample blog's address, is in use by {holder(port) or 'another process'}: "
            "stop it and try again"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="site", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
