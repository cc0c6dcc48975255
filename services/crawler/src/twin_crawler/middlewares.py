"""What is done to Scrapy's requests on their way out, and to answers on their way in."""

from scrapy import Request
from scrapy.http import Response

from twin_crawler.download_failures import Refused
from twin_crawler.failures import Failure

_VALIDATORS = ("If-None-Match", "If-Modified-Since")
_MOST_ENCODINGS = 2


class UnconditionalRedirects:
    """A redirected request asks for the page itself: the validators were those of the address before."""

    def process_request(self, request: Request) -> None:
        if "redirect_urls" in request.meta:
            for name in _VALIDATORS:
                request.headers.pop(name, None)


class FewEncodings:
    """Refuses bodies that are compressed over and over: each layer may be as large as the largest body."""

    def process_response(self, request: Request, response: Response) -> Response:
        named = b",".join(response.headers.getlist("Content-Encoding"))
        layers = len([name for name in named.split(b",") if name.strip()])
        if layers > _MOST_ENCODINGS:
            raise Refused(Failure("too_large", f"{request.url} is compressed {layers} times over"))
        return response
