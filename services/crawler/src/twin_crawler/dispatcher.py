"""Picks the source for a link by its host: the exact host or a subdomain, never a prefix or a part."""

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from twin_crawler import sources
from twin_crawler.source import Source


class NoSource(LookupError):
    """No source takes this link."""


@cache
def all_sources() -> tuple[Source, ...]:
    """Every source that a file of `sources/` defines."""
    names = sorted(module.name for module in pkgutil.iter_modules(sources.__path__))
    return tuple(import_module(f"{sources.__name__}.{name}").SOURCE for name in names)


def choose_source(link: str, among: Iterable[Source] | None = None) -> Source:
    """The source for a link; one that knows the host comes before those that take any host.

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
    return max(candidates, key=lambda source: bool(source.hosts))
