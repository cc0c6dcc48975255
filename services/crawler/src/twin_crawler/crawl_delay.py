"""Obeys the Crawl-delay of a robots.txt, which Scrapy reads but leaves to others."""

from typing import Self

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.robotstxt import RobotParser

# A site that asks for more than a minute between pages means "not at all", which Disallow would say.
_LONGEST_DELAY_SECONDS = 60.0


class CrawlDelay:
    """A Scrapy extension that slows the crawl of a host down to what its robots.txt asks for."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        crawler.signals.connect(self.slow_down, signals.robots_parsed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def slow_down(self, robotparser: RobotParser, request: Request) -> None:
        """Set the delay of the request's host, unless the crawler's own is longer."""
        asked = robotparser.crawl_delay(self._crawler.settings["ROBOTSTXT_USER_AGENT"])
        delay = min(asked or 0.0, _LONGEST_DELAY_SECONDS)
        if delay <= self._crawler.settings.getfloat("DOWNLOAD_DELAY"):
            return
        downloader = self._crawler.engine.downloader
        host = downloader.get_slot_key(request)
        downloader.per_slot_settings[host] = {"delay": delay, "concurrency": 1, "jitter": 0}
        if host in downloader.slots:
            downloader.slots[host].delay = delay
