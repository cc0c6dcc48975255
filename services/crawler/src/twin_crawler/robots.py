"""Obeys robots.txt as RFC 9309 asks: what is missing forbids nothing, what cannot be reached forbids all."""

import asyncio
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser, RobotParser

from twin_common.errors import ForbiddenLink
from twin_crawler.download_failures import Refused, failure_of
from twin_crawler.failures import TRANSIENT_STATUSES, Failure

_DISALLOWED = Failure("robots", "the site's robots.txt asks crawlers to leave this page alone")
_FIRST = 1000
# The RFC has crawlers read at least 500 kibibytes.
_MOST_BYTES = 512 * 1024


class RobotsRules:
    """A Scrapy downloader middleware instead of `RobotsTxtMiddleware`, which takes errors for consent."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._agent: str = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self._rules: dict[str, asyncio.Task[RobotParser | Failure | None]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let through what the host's robots.txt allows."""
        if request.meta.get("dont_obey_robotstxt"):
            return
        parts = urlsplit(request.url)
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._rules:
            self._rules[place] = asyncio.create_task(self._fetch(place, request))
        rules = await asyncio.shield(self._rules[place])
        if isinstance(rules, Failure):
            raise Refused(rules)
        if rules is not None and not rules.allowed(request.url, self._agent):
            raise Refused(_DISALLOWED)

    async def _fetch(self, place: str, request: Request) -> RobotParser | Failure | None:
        meta = {"dont_obey_robotstxt": True}
        asking = Request(f"{place}/robots.txt", priority=_FIRST, meta=meta, callback=NO_CALLBACK)
        try:
            response = await self._crawler.engine.download_async(asking)
        except ForbiddenLink:
            return None  # it redirects to where nobody may look: there is none
        except Exception as error:
            failure = failure_of(error)
            return Failure(failure.reason, f"robots.txt: {failure.detail}", failure.retry_at)
        if response.status in TRANSIENT_STATUSES or response.status >= 500:
            detail = f"robots.txt answered {response.status}, so nothing may be fetched for the time being"
            return Failure("robots_unreachable", detail)
        if not 200 <= response.status < 300:
            return None
        rules = ProtegoRobotParser.from_crawler(self._crawler, response.body[:_MOST_BYTES])
        await self._crawler.signals.send_catch_log_async(
            signal=signals.robots_parsed, robotparser=rules, request=request
        )
        return rules
