"""What is done to Scrapy's requests on their way out."""

from scrapy import Request

_VALIDATORS = ("If-None-Match", "If-Modified-Since")


class UnconditionalRedirects:
    """A redirected request asks for the page itself: the validators were those of the address before."""

    def process_request(self, request: Request) -> None:
        if "redirect_urls" in request.meta:
            for name in _VALIDATORS:
                request.headers.pop(name, None)
