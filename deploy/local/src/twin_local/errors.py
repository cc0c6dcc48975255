"""What the `twin` command reports to a person: what happened, and what to do."""

from twin_common.errors import TwinError


class PlatformError(TwinError):
    """The platform could not be started, or is not there."""
