"""The child process of one crawl: `python -m twin_crawler.crawl`, a RunSpec on standard input.

Progress goes to standard output as lines of JSON (`run_protocol`), logs to standard error. The process ends
by itself when its standard input ends, that is when the service that started it is gone.
"""

import asyncio
import logging
import os
import sys
import threading
from importlib import import_module
from typing import Any, BinaryIO

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.utils.reactor import install_reactor

from twin_common.clock import utc_now
from twin_common.events import LinkError
from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_common.telemetry import configure
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_crawler.reporter import Reporter
from twin_crawler.run_protocol import RunSpec
from twin_crawler.settings import CrawlPolicy

REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
_ABANDONED = 3

# What these say of single pages is in the run's report, under a name.
_QUIETER = {
    "scrapy": logging.ERROR,
    "scrapy.downloadermiddlewares": logging.CRITICAL,
    "trafilatura": logging.CRITICAL,
    "htmldate": logging.CRITICAL,
}


def scrapy_settings(policy: CrawlPolicy) -> dict[str, Any]:
    """Scrapy's settings for a crawl; its defaults trust servers and networks too much."""
    handler = "twin_crawler.guarded_download.GuardedDownloadHandler"
    return {
        "USER_AGENT": policy.user_agent,
        "ROBOTSTXT_OBEY": False,  # RobotsRules does it better
        "ROBOTSTXT_USER_AGENT": policy.user_agent.split("/", 1)[0],
        "CONCURRENT_REQUESTS": policy.concurrent_hosts,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": policy.download_delay_seconds,
        "DOWNLOAD_DELAY_JITTER": 0,
        "DOWNLOAD_TIMEOUT": policy.download_timeout_seconds,
        "DOWNLOAD_MAXSIZE": policy.max_body_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_HANDLERS": {
            "http": handler,
            "https": handler,
            "data": None,
            "file": None,
            "ftp": None,
            "s3": None,
        },
        "RETRY_ENABLED": False,  # Patience does it better
        "RETRY_TIMES": policy.retries,
        "RETRY_FIRST_PAUSE": policy.retry_pause_seconds,
        "REDIRECT_MAX_TIMES": 10,
        "HTTPERROR_ALLOW_ALL": True,
        "HTTPPROXY_ENABLED": False,  # a proxy would resolve names itself, past the guard
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "STATS_DUMP": False,
        "LOG_ENABLED": False,
        "EXTENSIONS": {
            "twin_crawler.crawl_delay.CrawlDelay": 0,
            "scrapy.extensions.logstats.LogStats": None,
            "scrapy.extensions.feedexport.FeedExporter": None,
        },
        "DOWNLOADER_MIDDLEWARES": {
            "twin_crawler.robots.RobotsRules": 100,
            "twin_crawler.patience.Patience": 550,
            "twin_crawler.middlewares.FewEncodings": 595,  # before Scrapy decompresses, at 590
            "twin_crawler.middlewares.UnconditionalRedirects": 800,
        },
        "ITEM_PIPELINES": {"twin_crawler.pipelines.BatchPipeline": 0},
    }


async def crawl(spec: RunSpec, guard: LinkGuard, output: BinaryIO) -> None:
    """Run one crawl to its end and report to `output`.

    Raises:
        Exception: the warehouse did not take the pages, or Scrapy could not start.
    """
    from twin_crawler.page_memory import PageMemory
    from twin_crawler.page_store import PageStore
    from twin_crawler.spider import AuthorSpider

    reporter = Reporter(output, (link.url for link in spec.links))
    reporter.write()
    async with Warehouse(WarehouseSettings()) as warehouse:
        memory = await PageMemory.load(warehouse, spec.author_id)
        links = await warehouse.crawls.links(spec.author_id)
        store = PageStore(warehouse, memory, reporter, spec.traceparent)
        runner = AsyncCrawlerRunner(scrapy_settings(spec.policy))
        crawler = runner.create_crawler(AuthorSpider)
        reporter.measure_bytes(lambda: _bytes_received(crawler))
        writing = asyncio.create_task(reporter.write_regularly())
        try:
            await runner.crawl(
                crawler, spec, guard, memory=memory, links=links, reporter=reporter, store=store
            )
        finally:
            writing.cancel()
            if isinstance(crawler.spider, AuthorSpider):
                await crawler.spider.renderer.close()
        spider = crawler.spider
        error = spider.error if isinstance(spider, AuthorSpider) else None
        if error is not None:
            reporter.say(LinkError(url="", reason="warehouse_unavailable", detail=str(error)[:300]))
            reporter.write()
            raise error
        states = reporter.link_states(links, spec.author_id, utc_now())
        if not spec.dry_run:
            await warehouse.crawls.save_links(states)
        reporter.settle(states)
        reporter.write(finished=True)


def _bytes_received(crawler: Any) -> int:
    stats = crawler._stats
    return int(stats.get_value("downloader/response_bytes", 0)) if stats else 0


def main() -> int:
    """Read the spec, crawl, and return the exit code."""
    output = _claim_standard_output()
    configure("crawler")
    for name, level in _QUIETER.items():
        logging.getLogger(name).setLevel(level)
    spec = RunSpec.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    install_reactor(REACTOR)
    from twin_crawler.guarded_download import VettedNames

    reactor: Any = import_module("twisted.internet.reactor")  # only now: importing it installs one

    guard = LinkGuard(LinkPolicy(trusted_endpoints=spec.policy.trusted_endpoints))
    reactor.installNameResolver(VettedNames(guard))
    failures: list[BaseException] = []

    def ended(task: "asyncio.Task[None]") -> None:
        if (error := task.exception()) is not None:
            failures.append(error)
        reactor.stop()

    def begin() -> None:
        asyncio.ensure_future(crawl(spec, guard, output)).add_done_callback(ended)

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if failures:
        raise failures[0]
    return 0


def _claim_standard_output() -> BinaryIO:
    """Keep standard output for the protocol alone: what anybody else prints goes to standard error."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(_ABANDONED)


if __name__ == "__main__":
    sys.exit(main())
