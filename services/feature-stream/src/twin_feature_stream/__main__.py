"""`python -m twin_feature_stream`."""

import signal
import sys

import structlog

from twin_common import telemetry
from twin_feature_stream.app import Configuration, serve
from twin_feature_stream.clock_guard import end_when_clock_is_set_back
from twin_feature_stream.readiness import StopSignal
from twin_feature_stream.work import SERVICE


def main() -> int:
    """Run until SIGTERM or SIGINT (0), or until something cannot be helped (1)."""
    telemetry.configure(SERVICE)
    end_when_clock_is_set_back()
    stop = StopSignal()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(Configuration(), stop)
    except Exception as error:
        structlog.get_logger(__name__).exception("the service failed", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
