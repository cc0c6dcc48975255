"""The crawl's child process with the names of `hostile_links`, for tests of rebinding; run as a program."""

import os
import sys
from collections import Counter
from functools import partial
from importlib import util
from pathlib import Path

from twin_common import link_guard
from twin_crawler import crawl, guarded_download

_spec = util.spec_from_file_location("hostile_links", Path(__file__).parent / "hostile_links.py")
assert _spec is not None
assert _spec.loader is not None
hostile_links = util.module_from_spec(_spec)
_spec.loader.exec_module(hostile_links)
_asked: Counter[str] = Counter()


def resolve(host: str, port: int) -> list[str]:
    """The addresses of the test's names; loopback's own for addresses."""
    _asked[host] += 1
    if host == hostile_links.FLIPPING:
        return ["2606:2800:220:1::1"] if _asked[host] == 1 else ["127.0.0.1"]
    if host in hostile_links.REBINDING:
        return list(hostile_links.REBINDING[host])
    if host.replace(".", "").isdigit():
        return link_guard.resolve(host, port)
    raise OSError(f"{host} is no name of this test")


setattr(guarded_download, "resolve", resolve)  # noqa: B010 -- not exported
# The port of the listener is let through, so that only what stands before it keeps links away from it.
ports = frozenset((80, 443, int(os.environ["HOSTILE_PORT"])))
setattr(crawl, "LinkPolicy", partial(link_guard.LinkPolicy, ports=ports))  # noqa: B010 -- likewise
sys.exit(crawl.main())
