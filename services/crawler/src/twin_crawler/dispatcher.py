"""Picks the source for a link by its host: the exact host or a subdomain, never a prefix or a part."""

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from urllib.parse import urljoin

from twin_crawler import sources
from twin_crawler.failures import Failure
from twin_crawler.source import Fetch, Source


class NoSource(LookupError):
    """No source takes this link."""


@cache
def all_sources() -> tuple[Source, ...]:
    """Every source that a file of `sources/` defines."""
    names = sorted(module.name for module in pkgutil.iter_modules(sources.__path__))
    return tuple(import_module(f"{sources.__name__}.{name}").SOURCE for name in names)


def choose_source(link: str, among: Iterable[Source] | None = None) -> Source:
    """The source for a link: one that knows the host, else one that knows the kind of link, else any.

    Raises:
        NoSource: none takes it.
    """
    candidates = [
        source
        for source in (all_sources() if among is None else among)
        if (not source.hosts or source.knows_host_of(link)) and source.claims(link)
    ]
    if not candidates:
        raise NoSource(f"no source takes {link}")
    return max(candidates, key=lambda source: (bool(source.hosts), not source.is_last_resort))


async def recognise_source(link: str, fetch_front: Fetch) -> Source:
    """The source for a link whose host may be a platform's customer: the front page tells.

    Args:
        link: a registered link.
        fetch_front: fetches a front page; it is asked only where a platform could stand behind the link.

    Raises:
        NoSource: none takes it.
    """
    chosen = choose_source(link)
    if chosen.hosts:
        return chosen
    platforms = [source for source in all_sources() if source.recognises and source.claims(link)]
    if not platforms:
        return chosen
    front = await fetch_front(urljoin(link, "/"))
    if isinstance(front, Failure):
        return chosen
    known = (source for source in platforms if source.recognises is not None and source.recognises(front))
    return next(known, chosen)
