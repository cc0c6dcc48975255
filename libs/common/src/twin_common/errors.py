"""The exceptions of the platform, in one tree, so that a caller chooses by what it can do about them."""


class TwinError(Exception):
    """Anything the platform itself reports; its text names what happened and what to do."""


class InvalidAuthorId(TwinError, ValueError):
    """The text is no slug: lower-case letters, digits and single hyphens, at most 64 characters."""


class InvalidUrl(TwinError):
    """The text is no absolute http or https address."""


class ForbiddenLink(TwinError):
    """The link guard refuses this address; `reason` is a word for counting."""

    def __init__(self, url: str, reason: str, detail: str) -> None:
        super().__init__(f"{url}: {detail}")
        self.url = url
        self.reason = reason


class PoisonMessage(TwinError):
    """A message or document that no retry can make good: it belongs in the dead-letter topic."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class UnsupportedSchema(PoisonMessage):
    """The event's type or major version is unknown to this service."""

    def __init__(self, detail: str) -> None:
        super().__init__("unsupported_schema", detail)


class UnknownAuthor(TwinError):
    """No author of this id is registered in the warehouse."""


class ServerUnavailable(TwinError):
    """A server did not answer in time; retrying later may help."""
