"""The named reasons why an address gave no document; the words are counted, the sentences are read."""

from dataclasses import dataclass
from datetime import datetime

from twin_common.events import LinkError


@dataclass(frozen=True)
class Failure:
    """A reason as a word (`http_404`, `no_text`, `dns` …) and as a sentence."""

    reason: str
    detail: str
    retry_at: datetime | None = None
    """Before this time the server does not want to be asked again."""

    @property
    def is_transient(self) -> bool:
        """Whether a later try may well succeed."""
        return self.reason in _TRANSIENT

    def at(self, url: str) -> LinkError:
        """The failure as a run's report carries it."""
        return LinkError(url=url[:2048], reason=self.reason, detail=self.detail[:300])


TRANSIENT_STATUSES = frozenset((408, 429, 500, 502, 503, 504, 520, 522, 524))
_TRANSIENT = frozenset(
    (
        *("dns", "unreachable", "timeout", "broken_body"),
        *("robots_unreachable", "paused_by_server", "host_failing"),
        *(f"http_{status}" for status in TRANSIENT_STATUSES),
    )
)

NOT_MODIFIED = "http_304"
"""The reason of an answer without a body: what was asked for is as it was."""

LOGIN_STATUSES = frozenset((401, 403))


def failure_of_status(status: int) -> Failure:
    """What an HTTP status other than 2xx and 304 means for the reader of a report."""
    if status in LOGIN_STATUSES:
        return Failure("login_required", f"the server answered {status}: this page is not public")
    return Failure(f"http_{status}", f"the server answered {status}")
