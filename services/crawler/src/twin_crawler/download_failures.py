"""Names what went wrong when Scrapy could not fetch an address."""

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from twisted.internet.error import ConnectError, ConnectionClosed

from twin_common.errors import ForbiddenLink
from twin_crawler.bounded_heads import HeadTooLarge
from twin_crawler.failures import Failure

_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (CannotResolveHostError, "dns", "the host's name does not resolve"),
    (DownloadTimeoutError, "timeout", "the server did not send the whole page in time"),
    (DownloadCancelledError, "too_large", "the body is larger than this crawler accepts"),
    (ResponseDataLossError, "broken_body", "the server closed the connection before the body was complete"),
    (DownloadConnectionRefusedError, "unreachable", "the host refused the connection"),
    (ConnectError, "unreachable", "no connection to the host"),
    (ConnectionClosed, "unreachable", "the connection broke"),
)


class Refused(IgnoreRequest):
    """A middleware of ours does not let a request through; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


def failure_of(error: BaseException) -> Failure:
    """The reason in a word and a sentence; anything unforeseen keeps its type's name."""
    if isinstance(error, ForbiddenLink):
        return Failure(f"forbidden_{error.reason}", str(error))
    if isinstance(error, DownloadFailedError):
        return _failure_of_transfer(error)
    if isinstance(error, Refused):
        return error.failure
    if isinstance(error, IgnoreRequest):
        return _failure_of_refusal(error)
    for kind, reason, sentence in _REASONS:
        if isinstance(error, kind):
            return Failure(reason, f"{sentence}: {error}")
    return Failure("fetch_failed", f"{type(error).__name__}: {error}")


def _failure_of_transfer(error: DownloadFailedError) -> Failure:
    text = str(error)
    if HeadTooLarge.__name__ in text:
        return Failure("too_large", "the answer's headers are more than this crawler accepts")
    if "certificate" in text.lower() or "SSL" in text:
        return Failure("tls", f"the host's certificate or encryption is not accepted: {text}")
    return Failure("unreachable", f"the connection broke: {text}")


def _failure_of_refusal(error: IgnoreRequest) -> Failure:
    """Scrapy's middlewares refuse with one exception; only its text and cause tell which of them it was."""
    if isinstance(error.__cause__, ValueError):
        return Failure("too_large", "the body grows larger than this crawler accepts when decompressed")
    if "redirections" in str(error):
        return Failure("redirect_loop", "the page redirects again and again")
    return Failure("refused", str(error))
