"""The process of a training that does what its work folder's `script` says; started by tests in its stead."""

import os
import signal
import sys
import time
from pathlib import Path

from twin_common.clock import utc_now
from twin_common.models import JobProgress, LearningCurve, LearningPoint
from twin_trainer.job_protocol import LINE, End, Failed, Finished, JobSpec, Searched, Told


def _tell(line: Told | End) -> None:
    sys.stdout.write(LINE.dump_json(line).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    spec = JobSpec.model_validate_json(sys.stdin.readline())
    scripts = spec.registry / "scripts"
    with (spec.registry / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    number = len((spec.registry / "starts").read_text().splitlines())
    script = (scripts / str(number)).read_text() if (scripts / str(number)).exists() else "finish"
    _tell(Told(progress=JobProgress(phase="sft", step=1, steps=2, loss=3.5)))
    if script == "wait":
        while not (spec.registry / "go").exists():
            time.sleep(0.02)
    elif script == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif script == "silence":
        time.sleep(600)
    elif script == "search":
        _tell(Searched(tried=2, best={"lora.rank": 8}, held_out_loss=2.5))
        return
    elif script == "transient":
        _tell(Failed(reason="the registry is away", may_pass=True))
        return
    elif script == "hopeless":
        _tell(Failed(reason="it needs a licence: accept it", may_pass=False))
        return
    _tell(
        Finished(
            location=f"models/{spec.job.model_id}",
            trained_at=utc_now(),
            passed=script != "bad",
            why="it repeats itself" if script == "bad" else "all rules hold",
            figures={"perplexity": 37.0},
            curves=(LearningCurve(name="sft", points=(LearningPoint(step=1, loss=3.5),)),),
            report_json="{}",
            report_html="<p>",
            report_markdown="#",
        )
    )


def script(registry: Path, *scripts: str) -> None:
    """What the first, second and further starts do; `finish` where nothing is said."""
    (registry / "scripts").mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(scripts, start=1):
        (registry / "scripts" / str(number)).write_text(text)


def starts(registry: Path) -> list[int]:
    """The process ids of all starts so far."""
    file = registry / "starts"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


COMMAND = (sys.executable, str(Path(__file__)))

if __name__ == "__main__":
    main()
