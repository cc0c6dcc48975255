"""How fast a site is crawled: 2,000 pages without delays, with guard, extraction and storage on.

The site, the warehouse and the crawl are processes of their own on the same cores, so the rate is that of all
three together; what each of them takes of the processor is among the figures, and so is what extraction alone
takes of the crawl.
"""

import asyncio
import multiprocessing
import multiprocessing.connection
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from pydantic import SecretStr
from results import write_result

from twin_common.authors import Author
from twin_common.events import CrawlReported, CrawlRequested, RunStatus
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_crawler.child import child_runner
from twin_crawler.extraction import extract_page
from twin_crawler.runs import RunExecutor
from twin_crawler.settings import CrawlPolicy
from twin_crawler.testing.mock_site import MockSite, serve
from twin_local.ports import LOOPBACK, free_port
from twin_local.servers import mongodb

_PAGES = int(os.environ.get("TWIN_BENCH_PAGES", "2000"))
_EXTRACTED_ALONE = min(200, _PAGES)
_AUTHOR = AuthorId("bench")
_WORDS = "log index stream offset segment reader writer page query vector token answer source commit".split()  # noqa: SIM905 -- a row of words reads best as one


def _page(number: int) -> str:
    """A blog page of ordinary size: about 700 words among navigation, a list and code."""
    words = random.Random(number)
    sentences = [" ".join(words.choices(_WORDS, k=12)).capitalize() + "." for _ in range(56)]
    paragraphs = "".join(f"<p>{' '.join(sentences[at : at + 7])}</p>" for at in range(0, 56, 7))
    navigation = "".join(f"<li><a href='/posts/{near}'>Post {near}</a></li>" for near in range(30))
    return (
        f"<!doctype html><html lang=en><head><title>Post {number}</title></head><body>"
        f"<nav><ul>{navigation}</ul></nav><article><h1>Post {number}</h1>{paragraphs}"
        f"<pre><code class=language-python>print({number})</code></pre></article>"
        f"<footer>All rights reserved</footer></body></html>"
    )


def _serve(connection: "multiprocessing.connection.Connection") -> None:
    with serve(MockSite()) as site:
        site.write_articles(_PAGES)
        site.pages |= {f"/posts/{number}": _page(number) for number in range(_PAGES)}
        connection.send(site.url)
        connection.recv()


@contextmanager
def _site() -> Iterator[tuple[str, psutil.Process]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    yield ours.recv(), psutil.Process(process.pid)
    ours.send("end")
    process.join(10)


@contextmanager
def _warehouse(folder: Path) -> Iterator[tuple[WarehouseSettings, psutil.Process]]:
    port = free_port()
    process = subprocess.Popen(mongodb.command(LOOPBACK, port, folder), stdout=subprocess.DEVNULL)
    settings = WarehouseSettings(url=SecretStr(mongodb.url(LOOPBACK, port)))
    os.environ["MONGODB_URL"] = settings.url.get_secret_value()
    try:
        yield settings, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


class _ChildWatch:
    """Memory and processor time of the crawl's process while it runs."""

    def __init__(self) -> None:
        self.memory: list[int] = []
        self.cpu_seconds = 0.0

    async def watch(self) -> None:
        while True:
            with suppress(psutil.Error):
                for child in psutil.Process().children():
                    if "twin_crawler.crawl" in child.cmdline():
                        self.memory.append(child.memory_info().rss)
                        self.cpu_seconds = _cpu_seconds(child)
            await asyncio.sleep(0.25)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _crawl(settings: WarehouseSettings, url: str, policy: CrawlPolicy) -> CrawlReported:
    reports: list[CrawlReported] = []

    async def publish(report: CrawlReported) -> None:
        reports.append(report)

    async with Warehouse(settings) as warehouse:
        await warehouse.wait_until_ready()
        await warehouse.authors.put(Author(author_id=_AUTHOR, name="Bench"))
        executor = RunExecutor(warehouse, publish, child_runner(120), policy)
        await executor.execute(CrawlRequested(author_id=_AUTHOR, links=(url,)), None)
    return reports[-1]


def _extraction_seconds() -> float:
    """Processor time that extracting all pages takes by itself, from a part of them."""
    pages = [_page(number).encode() for number in range(_EXTRACTED_ALONE)]
    extract_page(pages[0], "http://127.0.0.1/0", "text/html")
    began = time.process_time()
    for number, page in enumerate(pages):
        extract_page(page, f"http://127.0.0.1/{number}", "text/html")
    return (time.process_time() - began) * _PAGES / _EXTRACTED_ALONE


async def main() -> None:
    """Measure, and write the result."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _warehouse(Path(folder)) as (settings, warehouse),
        _site() as (url, site),
    ):
        policy = CrawlPolicy(
            download_delay_seconds=0, trusted_endpoints=frozenset((url.removeprefix("http://"),))
        )
        watch = _ChildWatch()
        watching = asyncio.create_task(watch.watch())
        servers_before = _cpu_seconds(warehouse), _cpu_seconds(site)
        began = time.perf_counter()
        report = await _crawl(settings, url, policy)
        seconds = time.perf_counter() - began
        warehouse_cpu, site_cpu = (
            _cpu_seconds(process) - before
            for process, before in zip((warehouse, site), servers_before, strict=True)
        )
        watching.cancel()
        again_began = time.perf_counter()
        again = await _crawl(settings, url, policy)
        again_seconds = time.perf_counter() - again_began
    assert report.status is RunStatus.FINISHED, report.errors[:3]
    assert report.counts.inserted == again.counts.unchanged == _PAGES, (report.counts, again.counts)
    quarter = len(watch.memory) // 4
    write_result(
        "crawl",
        {
            "pages": _PAGES,
            "pages_per_second": _PAGES / seconds,
            "unchanged_pages_per_second": _PAGES / again_seconds,
            "pages_per_cpu_second": _PAGES / (watch.cpu_seconds + warehouse_cpu + site_cpu),
            "warehouse_cpu_seconds": warehouse_cpu,
            "site_cpu_seconds": site_cpu,
            "crawl_cpu_seconds": watch.cpu_seconds,
            "extraction_cpu_seconds": _extraction_seconds(),
            "memory_at_a_quarter_mb": max(watch.memory[:quarter]) / 1e6,
            "memory_at_the_end_mb": max(watch.memory[-quarter:]) / 1e6,
            "load_average": os.getloadavg()[0],
        },
    )


if __name__ == "__main__":
    asyncio.run(main())
