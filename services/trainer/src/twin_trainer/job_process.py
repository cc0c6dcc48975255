"""The process of one training: reads its job from standard input, tells lines of JSON, and ends.

Libraries print to standard output as they please, so the lines go to a copy of it that only we know.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

import structlog

from twin_common import telemetry
from twin_common.errors import ServerUnavailable, TwinError
from twin_trainer.dataset import DatasetGone
from twin_trainer.job_protocol import LINE, End, Failed, JobSpec, Told

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the training that standard input names."""
    _end_with_parent()
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    telemetry.configure("trainer")
    spec = JobSpec.model_validate_json(sys.stdin.readline())

    def tell(line: Told | End) -> None:
        lines.write(LINE.dump_json(line).decode() + "\n")
        lines.flush()

    tell(_run(spec, tell))


def _run(spec: JobSpec, tell: Callable[[Told], None]) -> End:
    from twin_trainer.pipeline import run_pipeline
    from twin_trainer.search_run import run_search

    run = run_search if spec.job.grid else run_pipeline
    try:
        return run(spec, lambda progress: tell(Told(progress=progress)))
    except (ServerUnavailable, DatasetGone, OSError, MemoryError) as error:
        log.exception("the training failed")
        return Failed(reason=f"{type(error).__name__}: {error}"[:2000], may_pass=True)
    except TwinError as error:  # its text names the remedy, and only a person can do it
        log.exception("the training failed")
        return Failed(reason=str(error)[:2000], may_pass=False)


def _end_with_parent() -> None:
    """A trainer that is killed leaves no training behind that nobody follows."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    main()
