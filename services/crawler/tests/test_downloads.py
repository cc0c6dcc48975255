"""What is asked for besides pages, with an engine that answers from memory."""

from scrapy import Request
from scrapy.http import Response

from twin_common.link_guard import LinkGuard
from twin_crawler.downloads import Downloads
from twin_crawler.failures import NOT_MODIFIED, Failure
from twin_crawler.source import Fetched

URL = "https://api.example.org/list"
ETAG = b'W/"abc"'


async def ask(request: Request) -> Response:
    """A server that knows ETags."""
    is_known = request.headers.get("If-None-Match") == ETAG
    return Response(request.url, 304 if is_known else 200, {"ETag": ETAG}, b"" if is_known else b"[]")


class TestFetchChanged:
    async def test_what_is_as_it_was_is_a_failure_of_that_name_and_anything_else_comes(self) -> None:
        downloads = Downloads(ask, LinkGuard())
        first = await downloads.fetch(URL)
        assert isinstance(first, Fetched)
        assert first.etag is not None
        again = await downloads.fetch_changed(URL, first.etag)
        assert isinstance(again, Failure)
        assert again.reason == NOT_MODIFIED
        assert isinstance(await downloads.fetch_changed(URL, '"old"'), Fetched)

    async def test_the_guard_comes_first(self) -> None:
        refused = await Downloads(ask, LinkGuard()).fetch_changed("http://127.0.0.1/list", '"abc"')
        assert isinstance(refused, Failure)
        assert refused.reason.startswith("forbidden_")
